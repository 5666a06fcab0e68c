import { memory, type HeedStorage } from "@heed/core";
import { expect, it } from "vitest";
import { standingStill } from "./standing-still.ts";
import { virtualClock } from "./virtual-clock.ts";

/** A storage at a server that answers the first question last. */
function slow(): HeedStorage {
  const { serial: _, ...inner } = memory();
  let waitMs = 60;
  return {
    ...inner,
    async transact(transaction) {
      waitMs /= 2;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      return inner.transact(transaction);
    },
  };
}

/** What three who ask at once are answered, in which order, and at which instants. */
async function asked(storage: HeedStorage, clock = virtualClock(undefined, { autoAdvance: true })) {
  const answers: string[] = [];
  const late = clock.sleep(1_000);
  const asking = ["a", "b", "c"].map((name) =>
    storage
      .transact({ lock: [], read: {}, clock, decide: (_, now) => ({ writes: [], answer: `${name} ${now}` }) })
      .then((answer) => answers.push(answer)),
  );
  await Promise.all([late, ...asking]);
  return answers;
}

it("lets no time pass, and asks one thing after another", async () => {
  const at = "2026-01-15T12:00:00.000Z";
  const clock = virtualClock(at, { autoAdvance: true });
  expect(await asked(standingStill(slow(), clock), clock)).toEqual([`a ${at}`, `b ${at}`, `c ${at}`]);
  expect(await asked(slow())).toEqual(["c", "b", "a"].map((name) => `${name} 2026-01-15T12:00:01.000Z`));
});

it("goes on after a question that failed", async () => {
  const clock = virtualClock();
  const storage = standingStill(slow(), clock);
  const failed = storage.transact({
    lock: [],
    read: {},
    clock,
    decide: () => {
      throw new Error("no");
    },
  });
  await expect(failed).rejects.toThrow("no");
  expect(await storage.due({ namespace: "acme", now: "2026-01-15T12:00:00.000Z", max: 1 })).toEqual([]);
});
