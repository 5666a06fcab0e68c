import { styleText } from "node:util";
import type { RequestView } from "@heed/core";
import Table from "cli-table3";

/** Prints a heading. */
export function heading(text: string): void {
  console.log(`\n${styleText("bold", text)}`);
}

export function note(text: string): void {
  console.log(styleText("dim", text));
}

/** Prints rows under a head. Cells of several lines stay together. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const bold = head.map((cell) => styleText("bold", cell));
  const printed = new Table({ head: bold, style: { head: [], border: [], compact: true } });
  printed.push(...rows.map((row) => [...row]));
  console.log(printed.toString());
}

export const good = (text: string): string => styleText("green", text);
export const bad = (text: string): string => styleText("red", text);
export const waiting = (text: string): string => styleText("yellow", text);

/** One line of progress, written over on a terminal; on anything else only every so often. */
export function progress(): { tell(done: number, of: number, what: string): void; end(): void } {
  let lastShare = -1;
  return {
    tell(done, of, what) {
      const share = Math.floor((10 * done) / Math.max(1, of));
      const line = `  ${"█".repeat(share)}${"░".repeat(10 - share)} ${done}/${of} steps  ${what}`;
      if (process.stdout.isTTY) process.stdout.write(`\r\u001B[K${line}`);
      else if (share !== lastShare) console.log(line);
      lastShare = share;
    },
    end: () => {
      if (process.stdout.isTTY) process.stdout.write("\n");
    },
  };
}

/** A step in a few words; the tick says that the processor was read back, and all was as asked. */
export function outcomeOf(step: RequestView["steps"][number]): string {
  switch (step.state) {
    case "verified":
      return good(step.outcome === "absent" ? "✓ absent" : "✓ verified");
    case "retained":
      return good(`${step.finding === "as-asked" ? "✓ " : ""}retained ${step.retained.length}`);
    case "due":
    case "running":
      return waiting(`waits: ${step.because ?? "settling"}`);
    case "waiting":
      return waiting("waits: goes last");
    case "acknowledged":
    case "manual":
    case "failed":
    case "superseded":
    case "cancelled":
      return bad(`${step.state}: ${step.because ?? ""}`);
    default: {
      const never: never = step.state;
      return never;
    }
  }
}
