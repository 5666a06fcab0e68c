import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { onTestFinished } from "vitest";

/** Another process, which runs a program of a test. */
export interface Child {
  /** What it has printed so far, line by line. */
  readonly lines: readonly string[];
  /** Resolves once it has printed that many lines; rejects when it ends before. */
  printed(count: number): Promise<void>;
  /** Lets a program that waits go on. */
  goOn(): void;
  /** Sends it a signal. */
  signal(name: "SIGTERM" | "SIGCONT"): void;
  /** Ends it at once, with no chance to tidy up, and waits until it is gone. */
  kill(): Promise<void>;
  /** Resolves when it has ended well; rejects with what it said when it has not. */
  ended(): Promise<void>;
}

/** Starts a TypeScript file with arguments. It is killed when the test ends. */
export function startChild(file: string, ...args: readonly string[]): Child {
  const child = spawn(process.execPath, ["-C", "@heed/source", file, ...args]);
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines: string[] = [];
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (complaint += text));
  const output = createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  const closed = once(child, "close");
  return {
    lines,
    async printed(count) {
      while (lines.length < count) {
        const event = await Promise.race([once(output, "line"), closed.then(() => "closed")]);
        if (event === "closed" && lines.length < count) throw new Error(`The child has ended. ${complaint}`);
      }
    },
    goOn: () => void child.stdin.write("\n"),
    signal: (name) => void child.kill(name),
    async kill() {
      child.kill("SIGKILL");
      await closed;
    },
    async ended() {
      const [code] = await closed;
      if (code !== 0) throw new Error(`The child failed. ${complaint}`);
    },
  };
}
