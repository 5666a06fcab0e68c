import type { KeyUse } from "@heed/core";
import { withHeed } from "./load-heed.ts";
import { table } from "./table.ts";
import type { ExitCode, Terminal } from "./terminal.ts";

/** `heed keys --status`: which keys the storage still needs, and for what. Ends with 1 when it needs one that is missing. */
export async function keyUse(config: string | undefined, terminal: Terminal): Promise<ExitCode> {
  const keys = await withHeed(config, (heed) => heed.keys.status());
  const lines = table([["key", "state", "may retire", "needed by"], ...keys.map(row)]);
  terminal.stdout.write(`${lines.join("\n")}\n`);
  const missing = keys.filter(({ state }) => state === "missing");
  for (const { id } of missing) {
    terminal.stdout.write(
      `\nThe storage was written with the key ${id}, which this process does not have: put it back into its keyring.\n`,
    );
  }
  return missing.length === 0 ? 0 : 1;
}

function row({ id, state, rows, mayRetire }: KeyUse): readonly string[] {
  const needs = Object.entries(rows).map(([name, count]) => `${count} ${name}`);
  // Of a key that writes, or is still to write, it is no question.
  const retire = state === "lookup" ? (mayRetire ? "yes" : "no") : "";
  return [id, state, retire, needs.length === 0 ? "nothing" : needs.join(", ")];
}
