import { memory, RateLimitedError, RejectedError } from "@heed/core";
import type { HeedStorage } from "@heed/core/storage";
import { describe, expect, it } from "vitest";
import { company } from "./people.ts";

const about = { processor: "crm", operation: "unsubscribe" } as const;
const canary = "canary.status@example.org";

describe("work.status", () => {
  it("says of each processor what waits, since when, and what stands in its way", async () => {
    const { heed, crm, clock, person } = company({ crm: { batchSize: 1 }, work: { batchesPerProcessor: 1 } });
    const status = async () => {
      const { processors } = await heed.work.status();
      return processors["crm"];
    };
    const nothing = { waiting: 0, due: 0, later: 0, running: 0, failed: 0, manual: 0 };
    const free = { breaker: { state: "closed", failures: 0 }, pushedBackUntil: {} };
    expect(await status()).toEqual({ ...nothing, ...free });

    const email = canary;
    await heed.subscriptions.unsubscribe({ subject: { email }, topic: "newsletter" });
    await clock.set("2026-01-15T12:05:00.000Z");
    await heed.subscriptions.unsubscribe({ subject: { email }, topic: "offers" });
    expect(await status()).toEqual({
      ...nothing,
      waiting: 1,
      due: 1,
      oldestDueAt: "2026-01-15T12:00:00.000Z",
      ...free,
    });

    crm.fault({ at: "run", throws: new RateLimitedError("slow", { ...about, retryAfterMs: 600_000 }) });
    await heed.work.drain();
    const until = new Date(clock.now().getTime() + 600_000).toISOString();
    expect(await status()).toMatchObject({ waiting: 1, due: 0, later: 1 });
    const pushed = await status();
    expect(Date.parse(pushed?.pushedBackUntil["calls"] ?? "")).toBeCloseTo(Date.parse(until), -3);
    expect(Date.parse(pushed?.nextAt ?? "")).toBeCloseTo(Date.parse(until), -3);

    crm.fault({ at: "run", throws: new RejectedError("no", { ...about, status: 400 }) });
    await clock.set(pushed?.nextAt ?? "");
    await heed.work.drain();
    expect(await status()).toMatchObject({ ...nothing, failed: 1, ...free });

    // Requests: one that goes on, and one whose deadline has passed.
    crm.fault({ at: "resolve", answers: { status: "nonsense" }, times: 100_000 });
    const subject = person("b@example.org");
    await heed.requests.open({ right: "erasure", identity: "signed-in", subject });
    expect((await heed.work.status()).requests).toEqual({ open: 1, overdue: 0 });
    await clock.set("2026-03-15T12:00:00.000Z");
    expect((await heed.work.status()).requests).toEqual({ open: 1, overdue: 1 });
    const whole = await heed.work.status();
    expect(Object.keys(whole.processors).toSorted()).toEqual(["app", "billing", "crm", "heed"]);
    expect(JSON.stringify(whole)).not.toContain("canary");
  });

  it("says until when a vendor's day is used up, and that its next one is free", async () => {
    const perDay = { zone: "Europe/Stockholm" };
    const { heed, clock } = company({ crm: { limit: { calls: 2, perDay } } });
    const pushedBackUntil = async () => (await heed.work.status()).processors["crm"]?.pushedBackUntil;
    await heed.subscriptions.unsubscribe({ subject: { email: canary }, topic: "newsletter" });
    expect(await pushedBackUntil()).toEqual({});
    // The account is proven, and the vendor told: to read that back there is no call left.
    await heed.work.drain();
    expect(await pushedBackUntil()).toEqual({ calls: "2026-01-15T23:00:00.000Z" });
    await clock.set("2026-01-15T23:00:02.000Z");
    expect(await pushedBackUntil()).toEqual({});
  });

  it("says that a vendor refuses the credentials, for as long as steps wait for that", async () => {
    const { heed, crm, clock } = company();
    const refused = async () => (await heed.work.status()).processors["crm"]?.refused;
    const drained = async () => {
      await heed.work.drain();
      return refused();
    };
    const no = new RejectedError("no", { ...about, status: 401 });
    crm.fault({ at: "run", throws: no });
    await heed.subscriptions.unsubscribe({ subject: { email: canary }, topic: "newsletter" });
    expect(await refused()).toBeUndefined();
    expect(await drained()).toBe("account-refused");
    crm.fault({ at: "check", answers: { account: "another", lacks: [], unknownTopics: [] } });
    await clock.advance(15 * 60_000);
    expect(await drained()).toBe("wrong-account");
    expect(JSON.stringify(await heed.work.status())).not.toContain("canary");
    await clock.advance(15 * 60_000);
    expect(await drained()).toBeUndefined();
    expect(crm.optedOut.get(canary)).toEqual(new Set(["newsletter"]));
  });

  it("shows what a worker has in its hands", async () => {
    const { heed, crm } = company();
    await heed.subscriptions.unsubscribe({ subject: { email: canary }, topic: "newsletter" });
    crm.fault({ at: "run", hangs: true });
    const seen: unknown[] = [];
    const { run } = crm.processor.operations.unsubscribe as unknown as {
      run: (...args: unknown[]) => unknown;
    };
    Object.assign(crm.processor.operations.unsubscribe ?? {}, {
      run: async (...args: unknown[]) => {
        seen.push((await heed.work.status()).processors["crm"]);
        return run(...args);
      },
    });
    await heed.work.drain();
    expect(seen[0]).toMatchObject({ running: 1, due: 0 });
  });

  it("reads a bounded number of rows, however many steps there are", async () => {
    const inner = memory();
    let mostRead = 0;
    const storage: HeedStorage = {
      ...inner,
      transact: (transaction) =>
        inner.transact({
          ...transaction,
          decide: (rows, now) => {
            for (const read of Object.values(rows)) mostRead = Math.max(mostRead, read.length);
            return transaction.decide(rows, now);
          },
        }),
    };
    const { heed } = company({ storage });
    for (let n = 0; n < 1_050; n += 1)
      await heed.subscriptions.unsubscribe({ subject: { email: `p${n}@example.org` }, topic: "newsletter" });
    mostRead = 0;
    expect((await heed.work.status()).processors["crm"]?.due).toBe(1_000);
    expect(mostRead).toBe(1_000);
  });
});
