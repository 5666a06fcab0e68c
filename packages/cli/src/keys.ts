import { newKey } from "@heed/core";
import { activateKey, stageKey } from "./rotate-keyring.ts";
import { optionsOf } from "./options.ts";
import type { ExitCode, Terminal } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";

const explanations = {
  fresh: `This is a new keyring. Keep it where you keep passwords, and give it to every process as HEED_KEYS.
Who has it can read what heed stores; without it nobody can, and every suppression is forgotten.`,
  rotate: `The last key is new and staged: it is looked up, nothing is written under it yet.
Next: give this keyring to every process, then run heed keys --activate.`,
  activate: `The key that was staged writes from now on; the one before it is looked up.
Keep that one: what was written under it, suppressions among it, is found through it alone.`,
};

const flag = { type: "boolean", default: false } as const;

/**
 * `heed keys`: prints a keyring and nothing else to standard output, so that `HEED_KEYS=$(heed keys)` works.
 * What to do with it is said on standard error where that is a terminal.
 *
 * @throws UsageError, InvalidInputError, ConflictError
 */
export function keys(args: readonly string[], terminal: Terminal): ExitCode {
  const { env, rotate, activate } = optionsOf(
    args,
    { env: flag, rotate: flag, activate: flag },
    "heed keys takes --env, --rotate or --activate, and nothing else.",
  ).values;
  if (rotate && activate) {
    throw new UsageError("Between --rotate and --activate every process needs the new keyring.");
  }
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
