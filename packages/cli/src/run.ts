import { isHeedError } from "@heed/core";
import manifest from "../package.json" with { type: "json" };
import { CommandError } from "./command-error.ts";
import { doctor } from "./doctor.ts";
import { keys } from "./keys.ts";
import type { ExitCode, Terminal } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";
import { work } from "./work.ts";

const usage = `heed carries people's privacy choices out, and proves it.

Usage: heed <command>

  heed keys              print a fresh keyring, for the environment variable HEED_KEYS
  heed keys --rotate     print the keyring in HEED_KEYS with a new key, staged
  heed keys --activate   print the keyring in HEED_KEYS with the staged key active
      --env              with any of these: print it as a line for an env file, HEED_KEYS=…

  heed work              carry steps out until SIGTERM or Ctrl-C
      --once             until nothing is due any more
  heed doctor            look at storage, keys and every processor's account, and say what to do

      --config <file>    with each of these: the module that exports heed; default heed.config.{ts,mts,js,mjs}

  heed --help            print this
  heed --version         print the version
`;

type Command = (args: readonly string[], terminal: Terminal) => ExitCode | Promise<ExitCode>;

const commands: Readonly<Record<string, Command>> = { keys, work, doctor };

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
    terminal.stderr.write(`heed: ${error.message}\n`);
    return 1;
  }
}
