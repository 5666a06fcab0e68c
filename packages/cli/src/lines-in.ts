import { createReadStream } from "node:fs";
import { CommandError } from "./command-error.ts";

/**
 * The lines of a file, each without its line feed, and nothing held but one of them. No other character ends a
 * line: whoever checks a file checks every byte of it.
 *
 * @param role what the file is, said when it cannot be read: `"a log"`
 * @throws CommandError
 */
export async function* linesIn(file: string, role: string): AsyncGenerator<string> {
  let rest = "";
  try {
    for await (const chunk of createReadStream(file, "utf8")) {
      const lines = `${rest}${String(chunk)}`.split("\n");
      rest = lines.pop() ?? "";
      yield* lines;
    }
  } catch (cause) {
    throw new CommandError(`There is no file here that could be read as ${role}.`, { cause });
  }
  if (rest !== "") yield rest;
}
