const units = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1_000, "s"],
] as const;

/** A duration in its largest unit that counts two or more of it: `5 min`, `36 h`, `3 d`. Below a second: `0.4 s`. */
export function duration(ms: number): string {
  const most = Math.max(0, ms);
  for (const [unitMs, name] of units) if (most >= 2 * unitMs) return `${Math.floor(most / unitMs)} ${name}`;
  return `${(most / 1_000).toFixed(1)} s`;
}

/** A size in the unit that says it in up to four digits: `340 B`, `1.2 MB`. */
export function size(bytes: number): string {
  let rest = bytes;
  let unit = "B";
  for (const larger of ["kB", "MB", "GB", "TB"]) {
    if (rest < 1_000) break;
    rest /= 1_000;
    unit = larger;
  }
  return `${unit === "B" ? rest : rest.toFixed(1)} ${unit}`;
}

/** `1 step`, `3 steps`. */
export function counted(count: number, one: string, several = `${one}s`): string {
  return `${count} ${count === 1 ? one : several}`;
}
