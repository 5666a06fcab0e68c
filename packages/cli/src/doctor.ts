import { withHeed } from "./load-heed.ts";
import { configured, optionsOf } from "./options.ts";
import type { ExitCode, Terminal } from "./terminal.ts";

/**
 * `heed doctor`: looks at storage, keys and every processor's account, by reading only, and says what to do.
 * Ends with 1 when something is not well.
 */
export async function doctor(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const { values } = optionsOf(args, configured, "heed doctor takes --config, and nothing else.");
  return withHeed(values.config, async (heed) => {
    const parts = await heed.work.check();
    const width = Math.max(...parts.map(({ part }) => part.length));
    for (const { part, ok, because, advice } of parts) {
      terminal.stdout.write(
        `${ok ? "ok     " : "NOT OK "} ${part.padEnd(width)}${ok ? "" : `  ${because}`}\n`,
      );
      if (!ok && advice !== undefined) terminal.stdout.write(`        ${" ".repeat(width)}  ${advice}\n`);
    }
    return parts.every(({ ok }) => ok) ? 0 : 1;
  });
}
