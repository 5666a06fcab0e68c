import type { HeedStorage } from "@heed/core/storage";
import type { VirtualClock } from "./virtual-clock.ts";

/** The storage with the clock standing still whenever it is at work: no virtual time passes while a server is waited for. */
export function standingStill(storage: HeedStorage, clock: VirtualClock): HeedStorage {
  return {
    ...storage,
    transact: (transaction) => clock.during(storage.transact(transaction)),
    due: (ask) => clock.during(storage.due(ask)),
    scrub: () => clock.during(storage.scrub()),
  };
}
