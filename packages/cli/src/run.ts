import { isHeedError } from "@heed/core";
import manifest from "../package.json" with { type: "json" };
import { backup } from "./backup.ts";
import { acknowledge, retry } from "./by-hand.ts";
import { CommandError } from "./command-error.ts";
import { doctor } from "./doctor.ts";
import { evidence } from "./evidence.ts";
import { keys } from "./keys.ts";
import { migrate } from "./migrate.ts";
import { receipt } from "./receipt.ts";
import { restore } from "./restore.ts";
import { status } from "./status.ts";
import type { ExitCode, Terminal } from "./terminal.ts";
import { todo } from "./todo.ts";
import { UsageError } from "./usage-error.ts";
import { usage } from "./usage.ts";
import { verify } from "./verify.ts";
import { work } from "./work.ts";

type Command = (args: readonly string[], terminal: Terminal) => ExitCode | Promise<ExitCode>;

const commands: Readonly<Record<string, Command>> = {
  work,
  status,
  todo,
  retry,
  acknowledge,
  doctor,
  receipt,
  evidence,
  verify,
  backup,
  restore,
  migrate,
  keys,
};

/** Calls that core's messages name, as commands. */
const remedies: Readonly<Record<string, string>> = {
  "no-such-step": "heed todo lists them",
  "not-parked": "heed todo lists those that did",
  "restore-needed": "heed.restore() is heed restore",
  "restore-incomplete": "heed.restore() is heed restore",
  "journal-missing": "heed.restore({ acceptLoss: true }) is heed restore --accept-loss",
  "journal-compacted": "heed.restore({ acceptLoss: true }) is heed restore --accept-loss",
};

async function dispatch(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const [name, ...rest] = args;
  if (name === "--version" || name === "-v") {
    terminal.stdout.write(`${manifest.version}\n`);
    return 0;
  }
  const command = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (name === "--help" || name === "-h" || (command !== undefined && rest.includes("--help"))) {
    terminal.stdout.write(usage);
    return 0;
  }
  // What was typed is not repeated: it may be somebody's address, or a key.
  if (command === undefined)
    throw new UsageError(name === undefined ? "A command is missing." : "There is no such command.");
  return command(rest, terminal);
}

/**
 * Runs one command of `heed`.
 *
 * @param args what followed `heed` on the command line
 * @returns the exit code; why it is not 0 was written to `terminal.stderr`
 */
export async function run(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  try {
    return await dispatch(args, terminal);
  } catch (error) {
    if (error instanceof UsageError) {
      terminal.stderr.write(`heed: ${error.message} See heed --help.\n`);
      return 2;
    }
    if (!isHeedError(error) && !(error instanceof CommandError)) throw error;
    const remedy = isHeedError(error) ? remedies[error.code] : undefined;
    const hint = remedy === undefined ? "" : ` On the command line, ${remedy}.`;
    terminal.stderr.write(`heed: ${error.message}${hint}\n`);
    return 1;
  }
}
