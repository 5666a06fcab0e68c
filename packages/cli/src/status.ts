import { journalOf } from "./journal-of.ts";
import { withHeed } from "./load-heed.ts";
import { needsHuman } from "./needs-human.ts";
import { configured, optionsOf } from "./options.ts";
import { statusText } from "./status-text.ts";
import type { ExitCode, Terminal } from "./terminal.ts";

/**
 * `heed status`: where the work stands, over all workers, and how the database stands to its journal. Ends with 1
 * when something needs a human.
 */
export async function status(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const { values } = optionsOf(
    args,
    { ...configured, json: { type: "boolean", default: false } },
    "heed status takes --config and --json, and nothing else.",
  );
  return withHeed(values.config, async (heed) => {
    const journal = await journalOf(heed);
    const work = await heed.work.status();
    const attention = needsHuman(work, journal);
    terminal.stdout.write(
      values.json
        ? `${JSON.stringify({ ...work, journal: journal ?? null, needsHuman: attention }, undefined, 2)}\n`
        : statusText(work, journal, attention),
    );
    return attention.length === 0 ? 0 : 1;
  });
}
