import { rm, writeFile } from "node:fs/promises";
import { isHeedError } from "@heed/core";
import { CommandError } from "./command-error.ts";

/**
 * Writes a file that is not there yet, whole or not at all.
 *
 * @param role what it holds, said where there is one: `"A receipt"`
 * @throws CommandError when there is such a file, or it cannot be written; what the content throws
 */
export async function writeNew(
  file: string,
  content: string | AsyncIterable<string>,
  role: string,
): Promise<void> {
  try {
    await writeFile(file, content, { flag: "wx" });
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "EEXIST")
      throw new CommandError(`There is a file of that name. ${role} overwrites nothing.`, { cause });
    await rm(file, { force: true }).catch(() => {});
    if (isHeedError(cause)) throw cause;
    throw new CommandError("The new file could not be written.", { cause });
  }
}
