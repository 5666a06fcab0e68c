import type { Journal } from "@heed/core";
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

/** The same of a journal: no virtual time passes while its disk is waited for. */
export function journalStandingStill(journal: Journal, clock: VirtualClock): Journal {
  return {
    open: (begun) => clock.during(journal.open(begun)),
    last: () => clock.during(journal.last()),
    read: () => ({
      [Symbol.asyncIterator]() {
        const lines = journal.read()[Symbol.asyncIterator]();
        return {
          next: () => clock.during(lines.next()),
          return: async (value: unknown) => (await lines.return?.(value)) ?? { done: true, value },
        };
      },
    }),
    append: (record) => clock.during(journal.append(record)),
    forget: (owners) => clock.during(journal.forget(owners)),
    compact: (before, proofOf) => clock.during(journal.compact(before, proofOf)),
    close: () => journal.close(),
  };
}
