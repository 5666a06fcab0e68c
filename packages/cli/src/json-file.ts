import { readFile } from "node:fs/promises";
import { CommandError } from "./command-error.ts";

/**
 * What a file of JSON holds. Nothing of it is repeated in a message.
 *
 * @param role what the file is, said when it cannot be read: `"the receipt"`
 * @param expected what it should hold and where to get it, as a sentence
 * @throws CommandError
 */
export async function readJson(file: string, role: string, expected: string): Promise<unknown> {
  let text;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    throw new CommandError(`There is no file here that could be read as ${role}. ${expected}`, { cause });
  }
  try {
    const parsed: unknown = JSON.parse(text);
    return parsed;
  } catch {
    throw new CommandError(`The file given as ${role} is not JSON. ${expected}`);
  }
}
