import { withHeed } from "./load-heed.ts";
import { configured, optionsOf } from "./options.ts";
import type { ExitCode, Terminal } from "./terminal.ts";

/** `heed migrate`: makes what the storage needs, or brings an earlier version's forward. */
export async function migrate(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const { values } = optionsOf(args, configured, "heed migrate takes --config, and nothing else.");
  const { added } = await withHeed(values.config, (heed) => heed.migrate());
  for (const name of added) terminal.stdout.write(`added  ${name}\n`);
  if (added.length === 0) terminal.stdout.write("nothing to add\n");
  return 0;
}
