import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** A program of this folder in a process of its own. It answers with lines of JSON. */
export interface Child {
  /** The next line that it prints. */
  next<T>(): Promise<T>;
  /** Tells it to go on: the programs here wait for a line. */
  goOn(): void;
  /** Ends it, and waits until it is gone. */
  end(): Promise<void>;
}

/** @param flags for Node itself */
export function startChild(
  program: string,
  args: readonly string[] = [],
  flags: readonly string[] = [],
): Child {
  const file = fileURLToPath(new URL(program, import.meta.url));
  const child = spawn(process.execPath, [...flags, "-C", "@heed/source", file, ...args], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const gone = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async next<T>() {
      const { value, done } = await lines.next();
      if (done === true) throw new Error(`${program} ended without an answer.`);
      return JSON.parse(value) as T;
    },
    goOn: () => void child.stdin.write("\n"),
    async end() {
      child.kill("SIGKILL");
      await gone;
    },
  };
}
