import { isHeedError } from "@heed/core";
import manifest from "../package.json" with { type: "json" };
import { keys } from "./keys.ts";
import type { ExitCode, Terminal } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";

const usage = `heed carries people's privacy choices out, and proves it.

Usage: heed <command>

  heed keys              print a fresh keyring, for the environment variable HEED_KEYS
  heed keys --rotate     print the keyring in HEED_KEYS with a new key, staged
  heed keys --activate   print the keyring in HEED_KEYS with the staged key active
      --env              with any of these: print it as a line for an env file, HEED_KEYS=…

  heed --help            print this
  heed --version         print the version
`;

function dispatch(args: readonly string[], terminal: Terminal): void {
  const [command, ...rest] = args;
  if (command === "keys" && !rest.includes("--help")) return keys(rest, terminal);
  if (command === "--help" || command === "-h" || command === "keys") {
    terminal.stdout.write(usage);
    return;
  }
  if (command === "--version" || command === "-v") {
    terminal.stdout.write(`${manifest.version}\n`);
    return;
  }
  // What was typed is not repeated: it may be somebody's address, or a key.
  throw new UsageError(command === undefined ? "A command is missing." : "There is no such command.");
}

/**
 * Runs one command of `heed`.
 *
 * @param args what followed `heed` on the command line
 * @returns the exit code; why it is not 0 was written to `terminal.stderr`
 */
export function run(args: readonly string[], terminal: Terminal): ExitCode {
  try {
    dispatch(args, terminal);
    return 0;
  } catch (error) {
    if (error instanceof UsageError) {
      terminal.stderr.write(`heed: ${error.message} See heed --help.\n`);
      return 2;
    }
    if (!isHeedError(error)) throw error;
    terminal.stderr.write(`heed: ${error.message}\n`);
    return 1;
  }
}
