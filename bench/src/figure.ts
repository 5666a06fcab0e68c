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
  return quantile(values, 0.5);
}

/** The value that this share of all values is not above. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  const value = sorted[Math.floor(sorted.length * share)];
  if (value === undefined) throw new TypeError("There is no quantile of nothing.");
  return value;
}

/** How long the work took, in milliseconds. */
export async function timed(work: () => unknown): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}
