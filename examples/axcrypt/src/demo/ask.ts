import { createInterface } from "node:readline/promises";
import type { Readable, Writable } from "node:stream";

/** What was answered; `"nobody"` where there is nobody to ask. */
export type Answer = "yes" | "no" | "nobody";

/** Asks whoever runs the demo. Rejects when that is interrupted. */
export type Ask = (question: string, interrupted: AbortSignal) => Promise<Answer>;

/** Asks on a terminal; anything but a plain yes is a no. */
export function askOn(
  input: Readable & { readonly isTTY?: boolean },
  output: Writable & { readonly isTTY?: boolean },
): Ask {
  return async (question, interrupted) => {
    if (input.isTTY !== true || output.isTTY !== true) return "nobody";
    // Not as a terminal: Ctrl-C then is a signal like anywhere else in the demo.
    const lines = createInterface({ input, output, terminal: false });
    try {
      // Whoever closes the input has not said yes.
      const closed = new Promise<string>((resolve) => lines.once("close", () => resolve("")));
      const answer = await Promise.race([
        lines.question(`\n${question} [y/N] `, { signal: interrupted }),
        closed,
      ]);
      return /^y(?:es)?$/i.test(answer.trim()) ? "yes" : "no";
    } finally {
      lines.close();
    }
  };
}
