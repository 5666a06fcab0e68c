import { fileURLToPath } from "node:url";
import { startChild as start, type Child } from "@heed/testing/private";

/** Starts one of the programs in this directory. It is killed when the test ends. */
export function startChild(program: string, ...args: readonly string[]): Child {
  return start(fileURLToPath(new URL(program, import.meta.url)), ...args);
}
