import { memory, type HeedStorage } from "@heed/core";
import { expect, it } from "vitest";
import { standingStill } from "./standing-still.ts";
import { virtualClock } from "./virtual-clock.ts";

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

it.each(["transact", "due", "scrub"] as const)("lets no time pass during %s", async (what) => {
  /** When it was done, with somebody asleep who would wake a second later. */
  const doneAt = async (isStill: boolean) => {
    const clock = virtualClock(at, { autoAdvance: true });
    const storage = isStill ? standingStill(slow(), clock) : slow();
    const work = {
      transact: () =>
        storage.transact({ lock: [], read: {}, clock, decide: () => ({ writes: [], answer: 1 }) }),
      due: () => storage.due({ namespace: "acme", now: at, max: 1 }),
      scrub: () => storage.scrub(),
    }[what];
    const asleep = clock.sleep(1_000);
    await work();
    const ended = clock.now().toISOString();
    await asleep;
    return ended;
  };
  expect(await doneAt(true)).toBe(at);
  expect(await doneAt(false)).toBe("2026-01-15T12:00:01.000Z");
});
