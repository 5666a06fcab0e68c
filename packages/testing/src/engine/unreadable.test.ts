import { isHeedError, keyring, memory, newKey, type HeedEvents, type WorkSettings } from "@heed/core";
import type { HeedStorage } from "@heed/core/storage";
import { describe, expect, it } from "vitest";
import { faulty } from "../faulty-storage.ts";
import { virtualClock } from "../virtual-clock.ts";
import { company, evidence } from "./people.ts";

const start = "2026-01-15T12:00:00.000Z";
const theirs = { email: "canary.anna@example.org" };

/** Counts the looks for due steps, and the most that one was told to leave out. */
function counting(inner: HeedStorage) {
  const looks = { count: 0, leftOut: 0 };
  const due: HeedStorage["due"] = async (ask) => {
    looks.count += 1;
    looks.leftOut = Math.max(looks.leftOut, ask.exceptSteps?.length ?? 0);
    return inner.due(ask);
  };
  return { looks, storage: { ...inner, due } };
}

/** One that lacks a key, and one that has every key, on one storage and with one vendor. */
function twoWorkers({ work, batchSize = 10 }: { work?: Partial<WorkSettings>; batchSize?: number } = {}) {
  const before = newKey("active").replace(/^[^:]+/, "m");
  const after = `${newKey("active").replace(/^[^:]+/, "z")} ${before.replace(":active:", ":lookup:")}`;
  const inner = memory();
  const clock = virtualClock(start);
  const crm = { batchSize, settlingMs: 0 };
  const { looks, storage } = counting(inner);
  const shared = { clock, crm, ...(work === undefined ? {} : { work }) };
  const lacking = company({ ...shared, storage, keys: keyring(before) });
  const complete = company({ ...shared, storage: inner, keys: keyring(after) });
  const lostStorage = faulty(inner);
  const lost = {
    storage: lostStorage,
    company: company({ ...shared, storage: lostStorage, keys: keyring(after) }),
  };
  const told: HeedEvents["work.failed"][] = [];
  lacking.heed.on("work.failed", (event) => told.push(event));
  return { lacking, complete, lost, clock, looks, told };
}

const unsubscribe = ({ heed }: ReturnType<typeof company>, email: string) =>
  heed.subscriptions.unsubscribe({ subject: { email }, topic: "newsletter" });

describe("a worker that lacks the key of a step", () => {
  it("leaves it as it is, for one that has the key to carry out at once", async () => {
    const { lacking, complete } = twoWorkers();
    await unsubscribe(complete, theirs.email);
    const before = await complete.rows("steps");
    const { settled, open, nextAt } = await lacking.heed.work.drain();
    expect([settled, open, nextAt]).toEqual([0, 1, "2026-01-15T12:01:00.000Z"]);
    expect(await complete.rows("steps")).toEqual(before);
    expect(lacking.crm.calls.filter(({ at }) => at !== "check")).toEqual([]);
    // No time has passed.
    expect(await complete.heed.work.drain()).toMatchObject({ settled: 1, open: 0 });
    expect([...complete.crm.optedOut.keys()]).toEqual([theirs.email]);
    expect(await lacking.heed.work.drain()).toEqual({ settled: 0, open: 0 });
  });

  it("says so at most once a minute for each operation at each processor, and names nobody", async () => {
    const { lacking, complete, clock, told } = twoWorkers();
    for (const name of ["a", "b"]) await unsubscribe(complete, `canary.${name}@example.org`);
    await complete.heed.requests.open({ right: "erasure", subject: theirs, identity: "signed-in" });
    lacking.heed.work.start();
    await clock.advance(59_000);
    const about = () => told.map(({ processor, operation }) => `${processor} ${operation}`).toSorted();
    expect(about()).toEqual(["billing forgetTokens", "crm unsubscribe"]);
    await unsubscribe(complete, "canary.c@example.org");
    await clock.advance(500);
    expect(told).toHaveLength(2);
    await clock.advance(2_000);
    expect(told).toHaveLength(4);
    await clock.advance(600_000);
    expect(told.length).toBeGreaterThanOrEqual(4 + 2 * 9);
    expect(told.length).toBeLessThanOrEqual(4 + 2 * 10);
    for (const { error } of told)
      expect([isHeedError(error) && error.code, String(error)]).toEqual([
        "unknown-key",
        expect.stringContaining('no key "z"'),
      ]);
    expect(JSON.stringify(told) + told.map(({ error }) => String(error)).join("")).not.toContain("canary");
    await lacking.heed.work.stop();
  });

  it("looks no more often than an idle one does", async () => {
    const looksIn = async (isUnreadable: boolean): Promise<number> => {
      const { lacking, complete, clock, looks } = twoWorkers();
      if (isUnreadable) for (const n of [1, 2, 3]) await unsubscribe(complete, `p${n}@example.org`);
      lacking.heed.work.start();
      await clock.advance(30_000);
      await lacking.heed.work.stop();
      return looks.count;
    };
    const idle = await looksIn(false);
    expect(idle).toBeGreaterThan(100);
    // The look that found them, and the one that looked behind them.
    expect(await looksIn(true)).toBeLessThan(idle + 20);
  });

  it("carries out the rest of the batch", async () => {
    const { lacking, complete, told } = twoWorkers();
    await unsubscribe(lacking, "ben@example.org");
    await unsubscribe(complete, theirs.email);
    await unsubscribe(lacking, "cleo@example.org");
    await lacking.heed.work.drain();
    expect([...lacking.crm.optedOut.keys()].toSorted()).toEqual(["ben@example.org", "cleo@example.org"]);
    expect(told).toHaveLength(1);
  });

  it("carries out what is due behind it, however much there is of it", async () => {
    const { lacking, complete, clock, told } = twoWorkers({ batchSize: 2, work: { batchesPerProcessor: 2 } });
    for (let n = 0; n < 30; n += 1) await unsubscribe(complete, `p${n}@example.org`);
    await clock.advance(1_000);
    for (const name of ["ben", "cleo"]) await unsubscribe(lacking, `${name}@example.org`);
    await lacking.heed.work.drain();
    expect([...lacking.crm.optedOut.keys()].toSorted()).toEqual(["ben@example.org", "cleo@example.org"]);
    expect(told).toHaveLength(1);
    await complete.heed.work.drain();
    expect(complete.crm.optedOut.size).toBe(30);
  });

  it("looks at no more than a thousand of them a minute, and then at those again", async () => {
    const { lacking, complete, clock, looks, told } = twoWorkers({ batchSize: 100 });
    const items = Array.from({ length: 1_500 }, (_, n) => ({
      subject: { email: `p${n}@example.org` },
      topic: "newsletter" as const,
    }));
    await complete.heed.subscriptions.unsubscribeMany(items);
    const { nextAt, settled } = await lacking.heed.work.drain();
    expect([nextAt, settled]).toEqual(["2026-01-15T12:01:00.000Z", 0]);
    expect(looks.leftOut).toBeLessThan(1_500);
    const first = looks.count;
    await lacking.heed.work.drain();
    expect(looks.count - first).toBeLessThan(10);
    await clock.advance(60_000);
    await lacking.heed.work.drain();
    expect(told).toHaveLength(2);
    await complete.heed.work.drain();
    expect(complete.crm.optedOut.size).toBe(1_500);
  });

  it("counts the worker that was lost with it once", async () => {
    const { lacking, complete, clock, lost } = twoWorkers();
    await unsubscribe(complete, theirs.email);
    lost.company.crm.fault({ at: "run", hangs: true });
    lost.company.heed.work.start();
    await clock.advance(1_000);
    expect(await complete.rows("steps")).toMatchObject([{ state: "running" }]);
    lost.storage.die();
    await clock.advance(60_000);
    for (const _ of [1, 2]) {
      await lacking.heed.work.drain();
      expect(await complete.rows("steps")).toMatchObject([{ state: "due", crashes: 1, leaseUntil: null }]);
      await clock.advance(60_000);
    }
    expect(await complete.heed.work.drain()).toMatchObject({ settled: 1, open: 0 });
    expect([...complete.crm.optedOut.keys()]).toEqual([theirs.email]);
  });

  it("says as seldom that it cannot apply an opt-in that waited for an erasure", async () => {
    const { lacking, complete, lost, clock, told } = twoWorkers();
    const newsletter = { subject: theirs, topic: "newsletter" } as const;
    await complete.heed.requests.open({ right: "erasure", subject: theirs, identity: "signed-in" });
    await clock.advance(1_000);
    expect(await complete.heed.subscriptions.subscribe({ ...newsletter, evidence })).toMatchObject({
      parked: true,
    });
    // Dies between the end of the erasure and what comes after it.
    lost.company.heed.on("request.changed", () => lost.storage.die());
    lost.company.heed.work.start();
    await clock.advance(3_600_000);
    expect(await complete.rows("requests")).toMatchObject([{ state: "fulfilled" }]);
    lacking.heed.work.start();
    await clock.advance(119_000);
    await lacking.heed.work.stop();
    expect(told.map(({ error }) => isHeedError(error) && error.code)).toEqual(["unknown-key", "unknown-key"]);
    await complete.heed.work.drain();
    expect(await complete.heed.subscriptions.state(newsletter)).toMatchObject({ state: "given" });
  });
});
