import { setTimeout as timer } from "node:timers/promises";
import { HeedError } from "@heed/core/storage";
import { isBusy } from "./sqlite-error.ts";

const firstDelayMs = 1;
const longestDelayMs = 3;

/** Does the work once no other connection is in the way. */
export type UntilFree = <T>(work: () => T) => Promise<T>;

/**
 * Makes what waits for a locked database. SQLite's own busy time-out would stop the whole process while it
 * waits, so it is off, and the work is tried again after a delay that doubles, is random within its upper
 * half, and leaves the event loop free.
 *
 * The work gives up with `storage-busy`, a {@link HeedError}, after `giveUpAfterMs` milliseconds of waiting.
 */
export function untilFreeFor(giveUpAfterMs: number): UntilFree {
  return async (work) => {
    const startedMs = performance.now();
    for (let delayMs = firstDelayMs; ; delayMs = Math.min(delayMs * 2, longestDelayMs)) {
      try {
        return work();
      } catch (error) {
        if (!isBusy(error)) throw error;
        if (performance.now() - startedMs >= giveUpAfterMs) {
          throw new HeedError(
            `The database was locked by another connection for ${giveUpAfterMs} ms. Look for a process that ` +
              "keeps a transaction open, or a tool that has the file open.",
            { code: "storage-busy", cause: error },
          );
        }
        await timer(delayMs / 2 + (Math.random() * delayMs) / 2);
      }
    }
  };
}
