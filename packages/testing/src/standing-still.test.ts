import { memory, type HeedStorage, type Journal, type JournalLine } from "@heed/core";
import { expect, it } from "vitest";
import { journalStandingStill, standingStill } from "./standing-still.ts";
import { virtualClock, type VirtualClock } from "./virtual-clock.ts";

const at = "2026-01-15T12:00:00.000Z";
const later = () => new Promise((resolve) => setTimeout(resolve, 30));

/** A storage at a server. */
function slow(): HeedStorage {
  const inner = memory();
  return {
    ...inner,
    transact: (transaction) => later().then(() => inner.transact(transaction)),
    due: (ask) => later().then(() => inner.due(ask)),
    scrub: () => later().then(() => inner.scrub()),
  };
}

/** When the work was done, with somebody asleep who would wake a second later. */
async function doneAt(clock: VirtualClock, work: () => Promise<unknown>): Promise<string> {
  const asleep = clock.sleep(1_000);
  await work();
  const ended = clock.now().toISOString();
  await asleep;
  return ended;
}

it.each(["transact", "due", "scrub"] as const)("lets no time pass during a storage's %s", async (what) => {
  const ended = (isStill: boolean) => {
    const clock = virtualClock(at, { autoAdvance: true });
    const storage = isStill ? standingStill(slow(), clock) : slow();
    const work = {
      transact: () =>
        storage.transact({ lock: [], read: {}, clock, decide: () => ({ writes: [], answer: 1 }) }),
      due: () => storage.due({ namespace: "acme", now: at, max: 1 }),
      scrub: () => storage.scrub(),
    }[what];
    return doneAt(clock, work);
  };
  expect(await ended(true)).toBe(at);
  expect(await ended(false)).toBe("2026-01-15T12:00:01.000Z");
});

/** A journal on a slow disk, with one line. */
const slowJournal: Journal = {
  open: () => later().then(() => undefined),
  last: () => later().then(() => undefined),
  async *read() {
    await later();
    yield {} as JournalLine;
    await later();
  },
  append: () => later().then(() => ({ writer: "w", number: 1 })),
  forget: () => later().then(() => undefined),
  compact: () => later().then(() => 0),
  close: async () => {},
};

it.each(["open", "last", "read", "append", "forget", "compact"] as const)(
  "lets no time pass during a journal's %s",
  async (what) => {
    const ended = (isStill: boolean) => {
      const clock = virtualClock(at, { autoAdvance: true });
      const journal = isStill ? journalStandingStill(slowJournal, clock) : slowJournal;
      const work = {
        open: () => journal.open(),
        last: () => journal.last(),
        read: async () => {
          const lines = [];
          for await (const line of journal.read()) lines.push(line);
          expect(lines).toEqual([{}]);
        },
        append: () => journal.append({ id: "r", at, writes: [], parts: [] }),
        forget: () => journal.forget([]),
        compact: () => journal.compact(at, (id) => id),
      }[what];
      return doneAt(clock, work);
    };
    expect(await ended(true)).toBe(at);
    expect(await ended(false)).toBe("2026-01-15T12:00:01.000Z");
  },
);
