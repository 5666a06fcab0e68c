import { newKey } from "@heed/core";
import { finishRotation } from "./finish-rotation.ts";
import { keyUse } from "./key-use.ts";
import { activateKey, stageKey } from "./rotate-keyring.ts";
import { configured, optionsOf } from "./options.ts";
import type { ExitCode, Terminal } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";

const explanations = {
  fresh: `This is a new keyring. Keep it where you keep passwords, and give it to every process as HEED_KEYS.
Who has it can read what heed stores; without it nobody can, and every suppression is forgotten.`,
  rotate: `The last key is new and staged: it is looked up, nothing is written under it yet.
Next: give this keyring to every process, then run heed keys --activate.`,
  activate: `The key that was staged writes from now on; the one before it is looked up. Keep that one.
Next: give this keyring to every process, then run heed keys --finish.`,
};

const flag = { type: "boolean", default: false } as const;

/**
 * `heed keys`: prints a keyring and nothing else to standard output, so that `HEED_KEYS=$(heed keys)` works.
 * What to do with it is said on standard error where that is a terminal. With `--status` and `--finish` it looks
 * into the storage instead, through the application's configuration.
 *
 * @throws UsageError, InvalidInputError, ConflictError, CommandError
 */
export async function keys(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const { config, env, rotate, activate, status, finish } = optionsOf(
    args,
    { ...configured, env: flag, rotate: flag, activate: flag, status: flag, finish: flag },
    "heed keys takes --env, --rotate or --activate; --config with --status or --finish; and nothing else.",
  ).values;
  if (rotate && activate) {
    throw new UsageError("Between --rotate and --activate every process needs the new keyring.");
  }
  const looksIntoStorage = status || finish;
  if ((status && finish) || (looksIntoStorage ? env || rotate || activate : config !== undefined)) {
    throw new UsageError("heed keys does one thing at a time; --config is for --status and --finish.");
  }
  if (status) return keyUse(config, terminal);
  if (finish) return finishRotation(config, terminal);
  const present = terminal.env["HEED_KEYS"];
  const [text, explanation] = rotate
    ? [stageKey(present), explanations.rotate]
    : activate
      ? [activateKey(present), explanations.activate]
      : [newKey(), explanations.fresh];
  terminal.stdout.write(`${env ? "HEED_KEYS=" : ""}${text}\n`);
  if (terminal.stderr.isTTY === true) terminal.stderr.write(`\n${explanation}\n`);
  return 0;
}
