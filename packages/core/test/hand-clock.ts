import type { Clock } from "../src/contract/clock.ts";

/** A clock that stands still until a test moves it. */
export interface HandClock extends Clock {
  /** Lets time pass; whoever sleeps until then wakes. */
  advance(ms: number): void;
}

export function handClock(start = "2026-01-15T12:00:00.000Z"): HandClock {
  let nowMs = Date.parse(start);
  const sleepers = new Set<{ readonly wakesAtMs: number; readonly wake: () => void }>();
  return {
    now: () => new Date(nowMs),
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) {
          reject(signal.reason as Error);
          return;
        }
        const sleeper = { wakesAtMs: nowMs + ms, wake: resolve };
        sleepers.add(sleeper);
        signal?.addEventListener("abort", () => {
          sleepers.delete(sleeper);
          reject(signal.reason as Error);
        });
      }),
    advance(ms) {
      nowMs += ms;
      for (const sleeper of sleepers) {
        if (sleeper.wakesAtMs > nowMs) continue;
        sleepers.delete(sleeper);
        sleeper.wake();
      }
    },
  };
}
