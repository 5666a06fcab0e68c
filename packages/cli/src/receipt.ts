import { withHeed } from "./load-heed.ts";
import { configured, optionsOf } from "./options.ts";
import type { ExitCode, Terminal } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";
import { writeNew } from "./write-new.ts";

const takes = "heed receipt takes the id of one request, --config and --out, and nothing else.";

/** `heed receipt <request id>`: prints the receipt of a closed request as JSON, or writes it to a new file. */
export async function receipt(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const { values, positionals } = optionsOf(args, { ...configured, out: { type: "string" } }, takes, {
    atMost: 1,
  });
  const [id] = positionals;
  if (id === undefined) throw new UsageError(takes);
  const issued = await withHeed(values.config, (heed) => heed.requests.receipt(id));
  const text = `${JSON.stringify(issued, undefined, 2)}\n`;
  if (values.out === undefined) terminal.stdout.write(text);
  else await writeNew(values.out, text, "A receipt");
  return 0;
}
