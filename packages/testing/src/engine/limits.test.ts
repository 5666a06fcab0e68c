import { ephemeralKeys, HeedError, memory, RateLimitedError, type HeedStorage } from "@heed/core";
import type { CallContext } from "@heed/core/contract";
import { describe, expect, it } from "vitest";
import type { ScriptedVendorOptions } from "../scripted-vendor.ts";
import { virtualClock } from "../virtual-clock.ts";
import { company } from "./people.ts";

const start = "2026-01-15T12:00:00.000Z";
const midnightInStockholm = "2026-01-15T23:00:00.000Z";

/** Two worker processes on one storage, each with a view of its own of the same vendor account. */
function twoProcesses(crm: ScriptedVendorOptions) {
  const clock = virtualClock(start, { autoAdvance: true });
  const shared = { storage: memory(), keys: ephemeralKeys(), clock };
  const process = () => {
    const started = company({ ...shared, crm });
    const calledAtMs: number[] = [];
    const push = started.crm.calls.push.bind(started.crm.calls);
    started.crm.calls.push = (...calls) => {
      calledAtMs.push(clock.now().getTime() - Date.parse(start));
      return push(...calls);
    };
    return { ...started, calledAtMs };
  };
  return { clock, one: process(), other: process() };
}

const people = (name: string, count: number) =>
  Array.from({ length: count }, (_, n) => ({
    subject: { email: `${name}${n}@example.org` },
    topic: "newsletter" as const,
  }));

const optOut = (email: string) => ({ subject: { email }, topic: "newsletter" as const });

/** Each step is one call, and so is the proof of the account in each process. */
const once = { batchSize: 1, acknowledgedOnly: true } as const;

describe("a vendor's daily quota", () => {
  const perDay = { zone: "Europe/Stockholm" };

  it("waits in the storage for the vendor's next day, and its end is kept for who says no now", async () => {
    const { clock, one, other } = twoProcesses({ ...once, limit: { calls: 16, perDay, delayMs: 0 } });
    await one.heed.subscriptions.unsubscribeMany(people("bulk", 20));
    await one.heed.work.drain();
    // Seven eighths of the day, the proof of the account among them.
    expect(one.crm.optedOut.size).toBe(13);
    const waiting = (await one.rows("steps")).filter((step) => step.endedAt === null);
    expect(waiting).toHaveLength(7);
    for (const { dueAt } of waiting) expect(dueAt && dueAt > midnightInStockholm).toBe(true);

    await other.heed.subscriptions.unsubscribe(optOut("now@example.org"));
    await other.heed.work.drain();
    expect([...other.crm.optedOut.keys()]).toEqual(["now@example.org"]);
    expect(clock.now().getTime()).toBeLessThan(Date.parse(midnightInStockholm));

    await other.settle();
    expect(other.crm.optedOut.size).toBe(8);
    const nextDayMs = Date.parse(midnightInStockholm) - Date.parse(start);
    expect(other.calledAtMs.filter((atMs) => atMs < nextDayMs)).toHaveLength(2);
  });

  it("is taken as an opt-out's by a batch that holds one among others", async () => {
    const { clock, one } = twoProcesses({ acknowledgedOnly: true, limit: { calls: 8, perDay, delayMs: 0 } });
    for (const [index, person] of people("early", 6).entries()) {
      await one.heed.subscriptions.unsubscribeMany([person]);
      await one.heed.work.drain();
      expect(one.crm.optedOut.size).toBe(index + 1);
    }
    await one.heed.subscriptions.unsubscribeMany(people("late", 3));
    await one.heed.subscriptions.unsubscribe(optOut("now@example.org"));
    await one.heed.work.drain();
    expect(one.crm.optedOut.has("now@example.org")).toBe(true);
    expect(clock.now().getTime()).toBeLessThan(Date.parse(midnightInStockholm));
  });
});

describe("what a vendor says of its limit", () => {
  it("in a header of an answer slows every process down", async () => {
    const { one, other } = twoProcesses(once);
    const { unsubscribe } = one.crm.processor.operations;
    const { run } = unsubscribe as unknown as { run: (...args: unknown[]) => Promise<unknown> };
    Object.assign(unsubscribe ?? {}, {
      run: async (calls: unknown, context: CallContext<"calls">) => {
        const answers = await run(calls, context);
        await context.observed?.("calls", { remaining: 0, resetInMs: 30_000 });
        return answers;
      },
    });
    await one.heed.subscriptions.unsubscribe(optOut("a@example.org"));
    await one.heed.work.drain();
    expect(one.crm.optedOut.size).toBe(1);
    await other.heed.subscriptions.unsubscribe(optOut("b@example.org"));
    await other.settle();
    expect(other.crm.optedOut.size).toBe(1);
    expect(Math.min(...other.calledAtMs)).toBeGreaterThanOrEqual(30_000);
  });

  it("when it is asked for the account holds every process back, too", async () => {
    const { one, other } = twoProcesses(once);
    await other.heed.subscriptions.unsubscribe(optOut("a@example.org"));
    await other.heed.work.drain();
    expect(other.crm.optedOut.size).toBe(1);
    const before = other.calledAtMs.length;
    one.crm.fault({
      at: "check",
      throws: new RateLimitedError("slow", { processor: "crm", operation: "check", retryAfterMs: 30_000 }),
    });
    await one.heed.subscriptions.unsubscribeMany(people("many", 10));
    await one.heed.work.drain();
    await other.heed.subscriptions.unsubscribe(optOut("b@example.org"));
    await other.settle();
    expect(one.crm.optedOut.size + other.crm.optedOut.size).toBe(12);
    // The one call that was refused, and none before the time was up.
    expect(one.calledAtMs.filter((atMs) => atMs < 30_000)).toHaveLength(1);
    expect(Math.min(...other.calledAtMs.slice(before))).toBeGreaterThanOrEqual(30_000);
  });

  it("is heard again where the storage failed just when it was to be kept", async () => {
    const storage = memory();
    const clock = virtualClock(start, { autoAdvance: true });
    let isAsked = false;
    const failing: HeedStorage = {
      ...storage,
      transact: (transaction) => {
        // The first commit after the vendor's word is that of the limits.
        if (!isAsked) return storage.transact(transaction);
        isAsked = false;
        return Promise.reject(new HeedError("full", { code: "storage-failed" }));
      },
    };
    const { heed, crm, settle } = company({ storage: failing, clock, crm: once });
    crm.fault({
      at: "check",
      get throws() {
        isAsked = true;
        return new RateLimitedError("slow", { processor: "crm", operation: "check", retryAfterMs: 30_000 });
      },
    });
    await heed.subscriptions.unsubscribe(optOut("a@example.org"));
    await expect(heed.work.drain()).rejects.toMatchObject({ code: "storage-failed" });
    await settle();
    expect(crm.optedOut.size).toBe(1);
  });
});
