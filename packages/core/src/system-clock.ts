import { setImmediate, setTimeout as timer } from "node:timers/promises";
import type { Clock } from "./contract/clock.ts";

/** Timers count in 32 bits: a longer delay would fire at once, and a legal deadline is longer than 24 days. */
const longestTimerMs = 2_147_483_647;

/**
 * The machine's own time: the one place in heed where the date and timers are used.
 *
 * `sleep` keeps the process alive while it waits; pass a signal to end it early. A delay of zero or less
 * resolves at once.
 */
export const systemClock: Clock = {
  now: () => new Date(),
  elapsedMs: () => performance.now(),
  async sleep(ms, signal) {
    signal?.throwIfAborted();
    try {
      for (let leftMs = ms; leftMs > 0; leftMs -= longestTimerMs) {
        await timer(Math.min(leftMs, longestTimerMs), undefined, signal === undefined ? {} : { signal });
      }
    } catch (error) {
      // The timer rejects with an AbortError of its own, which hides the reason.
      signal?.throwIfAborted();
      throw error;
    }
  },
};

/** Lets everything else in this process have its turn. No time passes by any clock. */
export async function giveOthersATurn(): Promise<void> {
  await setImmediate();
}
