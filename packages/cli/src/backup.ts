import { stat } from "node:fs/promises";
import { duration, size } from "./amounts.ts";
import { withHeed } from "./load-heed.ts";
import { configured, optionsOf } from "./options.ts";
import type { ExitCode, Terminal } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";

const takes = "heed backup takes the new file, --config and --keys-to, and nothing else.";

/** `heed backup <to>`: copies the storage as it is now, while everything goes on, and reads the copy back. */
export async function backup(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const { values, positionals } = optionsOf(args, { ...configured, "keys-to": { type: "string" } }, takes, {
    atMost: 1,
  });
  const [to] = positionals;
  const keysTo = values["keys-to"];
  if (to === undefined) throw new UsageError(takes);
  const startedMs = performance.now();
  await withHeed(values.config, (heed) => heed.backup({ to, ...(keysTo === undefined ? {} : { keysTo }) }));
  const took = duration(performance.now() - startedMs);
  terminal.stdout.write(`copied and read back whole: ${await sizeOf(to)} in ${took}\n`);
  if (keysTo === undefined) return 0;
  const keysSize = await sizeOf(keysTo);
  terminal.stdout.write(
    keysSize === undefined
      ? "no file for the keys: they lie in the database, and are copied with it\n"
      : `its data keys, in a file of their own: ${keysSize}\n`,
  );
  return 0;
}

/** Undefined where there is no such file. */
async function sizeOf(file: string): Promise<string | undefined> {
  const found = await stat(file).catch(() => undefined);
  return found === undefined ? undefined : size(found.size);
}
