import type { HeedStorage } from "@heed/core/storage";
import type { VirtualClock } from "./virtual-clock.ts";

/**
 * The storage with the clock standing still whenever it is at work, so that no virtual time passes while a server
 * or a disk is waited for. One that carries transactions out side by side is asked one thing at a time, in the
 * order of asking: what follows from a seed must not hang on which of two answers is faster.
 */
export function standingStill(storage: HeedStorage, clock: VirtualClock): HeedStorage {
  let last: Promise<unknown> = Promise.resolve();
  const during = <T>(work: () => Promise<T>): Promise<T> => {
    const working = storage.serial === true ? work() : last.then(work);
    last = working.catch(() => {});
    return clock.during(working);
  };
  return {
    ...storage,
    transact: (transaction) => during(() => storage.transact(transaction)),
    due: (ask) => during(() => storage.due(ask)),
    scrub: () => during(() => storage.scrub()),
  };
}
