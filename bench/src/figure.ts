/** One figure of the table: always a ratio within one run, so that it means the same on every machine. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly goal: number;
  readonly better: "lower" | "higher";
  /** What was divided by what, as measured. */
  readonly of: string;
}

export function meetsGoal({ value, goal, better }: Figure): boolean {
  return better === "lower" ? value <= goal : value >= goal;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined) throw new TypeError("There is no median of nothing.");
  return middle;
}

/** How long the work took, in milliseconds. */
export async function timed(work: () => unknown): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}
