import { randomBytes } from "node:crypto";
import { ephemeralKeys, type Heed, keyring, newKey, UnavailableError } from "@heed/core";
import type { HeedStorage } from "@heed/core/storage";
import { describe, expect, it, onTestFinished } from "vitest";
import { company } from "../engine/people.ts";
import { standingStill } from "../standing-still.ts";
import { virtualClock } from "../virtual-clock.ts";

const start = "2026-01-15T12:00:00.000Z";
export const about = { processor: "crm", operation: "unsubscribe" } as const;
export const down = new UnavailableError("down", { ...about, status: 503 });

/** What the breaker of the CRM is like. */
export const breakerAt = async (heed: Heed) => (await heed.work.status()).processors["crm"]?.breaker;

/** A company with so many steps due at its CRM, each a batch of its own. */
export async function withSteps(count: number, options: Parameters<typeof company>[0] = {}) {
  const test = company({
    ...options,
    crm: { batchSize: 1, ...options.crm },
    work: { batchesPerProcessor: 1, ...options.work },
  });
  for (let n = 0; n < count; n += 1)
    await test.heed.subscriptions.unsubscribe({
      subject: { email: `p${n}@example.org` },
      topic: "newsletter",
    });
  const asked = () => test.crm.calls.filter(({ at }) => at === "run").length;
  return { ...test, asked };
}

/**
 * What the breaker promises, over a storage that all workers share.
 *
 * @param create opens the storage of that place, empty at first; a durable one also beside what has it open already
 */
export function describeBreaker({
  name,
  create,
}: {
  readonly name: string;
  readonly create: (place: string) => HeedStorage;
}): void {
  /** What two workers share, each on a connection of its own where the storage has such. */
  const shared = () => {
    const clock = virtualClock(start, { autoAdvance: true });
    const place = `heed${randomBytes(6).toString("hex")}`;
    const opened = (storage: HeedStorage) => {
      onTestFinished(() => storage.close());
      return standingStill(storage, clock);
    };
    const storage = opened(create(place));
    const keys = storage.durable ? keyring(newKey()) : ephemeralKeys();
    const other = { clock, keys, storage: storage.durable ? opened(create(place)) : storage };
    return { one: { clock, keys, storage }, other };
  };

  describe(`a vendor account that fails as a whole, over ${name}`, () => {
    it(
      "is left alone after five batches in a row, and what waits behind it burns no try",
      { timeout: 60_000 },
      async () => {
        const { heed, crm, asked, rows } = await withSteps(40, shared().one);
        crm.fault({ at: "run", throws: down, times: 1000 });
        const { nextAt, open } = await heed.work.drain();
        expect(asked()).toBe(5);
        const steps = await rows("steps");
        expect(steps.filter(({ tries }) => tries > 0)).toHaveLength(5);
        expect(steps.every(({ state }) => state === "due")).toBe(true);
        expect(open).toBe(40);
        expect(await breakerAt(heed)).toEqual({
          state: "open",
          failures: 5,
          until: "2026-01-15T12:00:30.000Z",
        });
        expect(nextAt).toBe("2026-01-15T12:00:30.000Z");
        // As long as it is open nothing is asked, whatever comes.
        await heed.subscriptions.unsubscribe({ subject: { email: "late@example.org" }, topic: "newsletter" });
        await heed.work.drain();
        expect(asked()).toBe(5);
      },
    );

    it(
      "is used as before once it answers, and nothing was reported as failed meanwhile",
      { timeout: 60_000 },
      async () => {
        const { heed, crm, rows, settle } = await withSteps(40, shared().one);
        const ended: string[] = [];
        heed.on("step.settled", ({ ended: has, state }) => void (has && ended.push(state)));
        crm.fault({ at: "run", throws: down, times: 6 });
        await settle();
        expect(crm.optedOut.size).toBe(40);
        expect(new Set(ended)).toEqual(new Set(["verified"]));
        expect(await rows("breakers")).toEqual([]);
        expect(await breakerAt(heed)).toEqual({ state: "closed", failures: 0 });
      },
    );

    it("is left alone by every worker, and one of them alone probes", { timeout: 60_000 }, async () => {
      const workers = shared();
      const one = await withSteps(40, workers.one);
      const other = await withSteps(0, workers.other);
      one.crm.fault({ at: "run", throws: down, times: 5 });
      await one.heed.work.drain();
      await other.heed.work.drain();
      expect([one.asked(), other.asked()]).toEqual([5, 0]);
      // The probe takes its time: what the other does meanwhile is not for want of a chance.
      for (const { crm } of [one, other]) crm.fault({ at: "run", hangs: true, times: 1000 });
      await one.clock.set("2026-01-15T12:00:30.000Z");
      await Promise.all([one.heed.work.drain(), other.heed.work.drain()]);
      expect(one.asked() + other.asked()).toBe(6);
    });
  });
}
