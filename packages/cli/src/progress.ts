import type { Terminal } from "./terminal.ts";

/** Tells how far a long command is, on standard error: standard output is its answer's. */
export interface Progress {
  tell(line: string): void;
  /** The answer follows: what was told makes room for it. */
  end(): void;
}

/**
 * In front of a person one line that changes; in a log one every ten seconds, the first when ten have passed: what is
 * done sooner needs none.
 *
 * @param now the time in milliseconds
 */
export function progressOn({ stderr }: Pick<Terminal, "stderr">, now: () => number = Date.now): Progress {
  const isTTY = stderr.isTTY === true;
  const everyMs = isTTY ? 100 : 10_000;
  let toldMs = isTTY ? Number.NEGATIVE_INFINITY : now();
  let width = 0;
  return {
    tell(line) {
      if (now() - toldMs < everyMs) return;
      toldMs = now();
      stderr.write(isTTY ? `\r${line.padEnd(width)}` : `${line}\n`);
      width = line.length;
    },
    end() {
      if (isTTY && width > 0) stderr.write(`\r${" ".repeat(width)}\r`);
      width = 0;
    },
  };
}
