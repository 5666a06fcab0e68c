import fc from "fast-check";
import type { WindowLimit } from "../src/contract/processor.ts";

/** Any limit that a vendor may have, the smallest included. */
export const anyWindowLimit: fc.Arbitrary<WindowLimit> = fc.record(
  {
    calls: fc.integer({ min: 1, max: 30 }),
    perMs: fc.integer({ min: 1, max: 10_000 }),
    burst: fc.integer({ min: 0, max: 40 }),
    delayMs: fc.integer({ min: 0, max: 1500 }),
  },
  { requiredKeys: ["calls", "perMs"] },
);

/** Where within its allowed delay a call arrives, in thousandths. */
export const anyDelays = fc.infiniteStream(
  fc.oneof(fc.constant(0), fc.constant(1000), fc.nat({ max: 1000 })),
);

/** The next of these delays, in milliseconds. */
export const anyDelayOf = (limit: WindowLimit, delays: Iterator<number>): number =>
  ((limit.delayMs ?? 500) * Number(delays.next().value)) / 1000;

/** The most that any window of that length holds. */
export function mostInAWindow(arrivals: readonly number[], perMs: number): number {
  const sorted = arrivals.toSorted((a, b) => a - b);
  let most = 0;
  let first = 0;
  for (const [last, arrival] of sorted.entries()) {
    while ((sorted[first] ?? arrival) <= arrival - perMs) first += 1;
    most = Math.max(most, last - first + 1);
  }
  return most;
}
