import { ephemeralKeys, memory, RateLimitedError } from "@heed/core";
import type { HeedStorage } from "@heed/core/storage";
import { describe, expect, it } from "vitest";
import { describeHolds } from "../storages/describe-holds.ts";
import { virtualClock, type VirtualClock } from "../virtual-clock.ts";
import {
  all,
  anna,
  bo,
  dayMs,
  erasure,
  leftOf,
  nothing,
  openSteps,
  order,
  reviewAt,
  start,
  stepOf,
} from "./held.ts";
import { company } from "./people.ts";

describe("a legal hold", () => {
  it("stops what was planned before, and what was resolved before", async () => {
    for (const phase of ["planned", "resolved"]) {
      const test = company();
      const { heed, crm, person, settle } = test;
      person(anna.email);
      await heed.requests.open({ ...erasure, subject: anna });
      if (phase === "resolved") {
        // Nothing is destroyed before every step is resolved: one lags.
        const about = { processor: "billing", operation: "forgetTokens" } as const;
        test.billing.fault({
          at: "resolve",
          throws: new RateLimitedError("slow", { ...about, retryAfterMs: 1 }),
          times: 1,
        });
        crm.fault({
          at: "run",
          operation: "unsubscribe",
          throws: new RateLimitedError("slow", { ...about, retryAfterMs: 60_000 }),
        });
        await heed.work.drain();
      }
      const before = leftOf(test, anna);
      expect(before).toMatchObject({ crm: 1 });
      const { id } = await heed.holds.place({ subject: anna, ...order });
      await settle(10 * dayMs);
      expect(leftOf(test, anna)).toEqual(before);
      expect(crm.calls.some(({ at, operation }) => at === "resolve" && operation === "erase")).toBe(true);
      await heed.holds.release(id);
      await settle(10 * dayMs);
      expect(leftOf(test, anna)).toEqual(nothing);
    }
  });

  it("asks no guard, and sends nothing to a human whose vendor is down past the deadline", async () => {
    const test = company();
    const { heed, billing, crm, person, settle, rows } = test;
    person(anna.email);
    await heed.holds.place({ subject: anna, ...order });
    await heed.requests.open({ ...erasure, subject: anna });
    await settle(dayMs / 2);
    crm.fault({ at: "check", throws: new Error("down"), times: 100_000 });
    await test.clock.advance(60 * dayMs);
    await settle(3 * dayMs);
    expect(stepOf(await rows("steps"), "crm")).toMatchObject({
      state: "due",
      because: "legal-hold",
      tries: 0,
    });
    expect(billing.calls.filter(({ at }) => at === "guard")).toEqual([]);
  });

  it("on one processor stops that alone, and heed keeps what it knows of the person", async () => {
    const test = company();
    const { heed, person, settle, rows } = test;
    person(anna.email);
    const { id } = await heed.holds.place({ subject: anna, processor: "crm", ...order });
    await heed.requests.open({ ...erasure, subject: anna });
    await settle();
    expect(leftOf(test, anna)).toEqual({ ...nothing, crm: 1 });
    await heed.holds.release(id);
    await settle();
    expect(leftOf(test, anna)).toEqual(nothing);

    // At the CRM nothing is left to hold, and who it was must be known all the same.
    person(bo.email);
    const last = await heed.holds.place({ subject: bo, processor: "billing", ...order });
    const paid = await heed.requests.open({ ...erasure, subject: bo });
    for (const record of test.billing.records.values()) record.cards = 0;
    await settle();
    expect(await rows("identifiers")).toHaveLength(1);
    expect((await heed.requests.get(paid.id)).state).toBe("executing");
    await heed.holds.release(last.id);
    await settle();
    expect(await rows("identifiers")).toEqual([]);
  });

  it("on a processor whose step has ended keeps heed's own data", async () => {
    const test = company();
    const { heed, person, settle, rows } = test;
    person(anna.email);
    await heed.requests.open({ ...erasure, subject: anna });
    const app = await heed.holds.place({ subject: anna, processor: "app", ...order });
    await settle(dayMs / 2);
    expect(leftOf(test, anna)).toEqual({ ...nothing, app: true });
    const crm = await heed.holds.place({ subject: anna, processor: "crm", ...order });
    await heed.holds.release(app.id);
    await settle();
    expect(leftOf(test, anna)).toEqual(nothing);
    expect((await openSteps(test)).map(({ processor, because }) => [processor, because])).toEqual([
      ["heed", "legal-hold"],
    ]);
    expect(await rows("subjects")).toHaveLength(1);
    await heed.holds.release(crm.id);
    await heed.work.drain();
    expect(await rows("subjects")).toEqual([]);
  });

  it("stands over everyone, those who come later too", async () => {
    const test = company();
    const { heed, person, settle, rows } = test;
    for (const { email } of [anna, bo]) person(email);
    await heed.requests.open({ ...erasure, subject: anna });
    const everywhere = await heed.holds.place({ everyone: true, ...order });
    await heed.requests.open({ ...erasure, subject: bo });
    await settle(10 * dayMs);
    expect([leftOf(test, anna), leftOf(test, bo)]).toEqual([all, all]);
    const atCrm = await heed.holds.place({ everyone: true, processor: "crm", ...order });
    await heed.holds.release(everywhere.id);
    await settle(10 * dayMs);
    expect([leftOf(test, anna), leftOf(test, bo)]).toEqual([
      { ...nothing, crm: 1 },
      { ...nothing, crm: 1 },
    ]);
    await heed.holds.release(atCrm.id);
    await settle(10 * dayMs);
    expect([leftOf(test, anna), leftOf(test, bo)]).toEqual([nothing, nothing]);
    expect(await rows("subjects")).toEqual([]);
  });

  it("that overlaps another goes on after that one is released", async () => {
    const test = company();
    const { heed, person, settle } = test;
    person(anna.email);
    const first = await heed.holds.place({ subject: anna, ...order });
    const second = await heed.holds.place({ subject: anna, ...order, reason: "audit-3" });
    const third = await heed.holds.place({ everyone: true, ...order });
    await heed.requests.open({ ...erasure, subject: anna });
    for (const { id } of [first, third]) {
      await heed.holds.release(id);
      await settle(3 * dayMs);
      expect(leftOf(test, anna)).toEqual(all);
    }
    await heed.holds.release(second.id);
    await settle(3 * dayMs);
    expect(leftOf(test, anna)).toEqual(nothing);
  });

  it("covers somebody whom heed learns to know by it, by every identifier that was named", async () => {
    const test = company();
    const { heed, person, settle } = test;
    person(anna.email);
    const { id } = await heed.holds.place({ subject: { ...anna, accountId: "canary-1" }, ...order });
    expect(await heed.holds.list({ subject: { accountId: "canary-1" } })).toMatchObject([{ id }]);
    expect(await heed.holds.list({ subject: bo })).toEqual([]);
    await heed.requests.open({ ...erasure, subject: anna });
    await settle(3 * dayMs);
    expect(leftOf(test, anna)).toEqual(all);
    await heed.holds.release(id);
    await settle();
    expect(leftOf(test, anna)).toEqual(nothing);
  });

  it("moves with a person who turns out to be another", async () => {
    const test = company();
    const { heed, person, settle } = test;
    person(anna.email);
    const { id } = await heed.holds.place({ subject: { accountId: "a1" }, ...order });
    await heed.subjects.record({ subject: anna });
    await heed.subjects.record({ subject: { ...anna, accountId: "a1" }, identityVerified: true });
    await heed.requests.open({ ...erasure, subject: anna });
    await settle(3 * dayMs);
    expect(leftOf(test, anna)).toEqual(all);
    expect(await heed.holds.list({ subject: anna })).toHaveLength(1);
    await heed.holds.release(id);
    await settle();
    expect(leftOf(test, anna)).toEqual(nothing);
  });

  it("placed while an erasure runs covers a further identifier of the person", async () => {
    const test = company();
    const { heed, person, settle } = test;
    person(anna.email);
    await heed.requests.open({ ...erasure, subject: anna });
    const subject = { ...anna, accountId: "canary-2" };
    const { id } = await heed.holds.place({ subject, ...order });
    expect(await heed.holds.list({ subject: { accountId: "canary-2" } })).toMatchObject([{ id }]);
    await settle(3 * dayMs);
    expect(leftOf(test, anna)).toEqual(all);
  });

  it("refuses two people at once", async () => {
    const { heed } = company();
    await heed.subjects.record({ subject: anna });
    await heed.subjects.record({ subject: { accountId: "1" } });
    await expect(heed.holds.place({ subject: { ...anna, accountId: "1" }, ...order })).rejects.toMatchObject({
      code: "two-subjects",
    });
    expect(await heed.holds.list()).toEqual([]);
  });

  it("lets opt-outs pass at the very processor where an erasure waits", async () => {
    const test = company();
    const { heed, crm, person, settle, rows } = test;
    person(anna.email);
    const ended = await heed.holds.place({ subject: anna, ...order });
    await heed.requests.open({ ...erasure, subject: anna });
    await settle(3 * dayMs);
    crm.optedIn.set(anna.email, new Set(["newsletter"]));
    crm.optedOut.delete(anna.email);
    await heed.subscriptions.unsubscribe({ subject: anna, topic: "newsletter" });
    await heed.work.drain();
    expect([...(crm.optedOut.get(anna.email) ?? [])]).toContain("newsletter");
    expect([...(crm.optedIn.get(anna.email) ?? [])]).toEqual([]);
    expect(leftOf(test, anna)).toEqual(all);

    // One step of a person at a processor at a time, also when the hold ends while another is in hand.
    crm.fault({ at: "run", operation: "unsubscribe", hangs: true });
    await heed.subscriptions.unsubscribe({ subject: anna, topic: "offers" });
    const together: Promise<number>[] = [];
    const inHandAtCrm = async () =>
      (await rows("steps")).filter(
        (row) =>
          row.processor === "crm" &&
          (row.state === "running" || (row.state === "due" && row.because !== "legal-hold")),
      ).length;
    heed.on("step.settled", () => void together.push(inHandAtCrm()));
    await heed.holds.release(ended.id);
    await settle();
    expect(Math.max(...(await Promise.all(together)))).toBe(1);
    expect(leftOf(test, anna)).toEqual(nothing);
  });
});

describe("a hold that lands while a worker works", () => {
  it("between the guard and the run stops it", async () => {
    const test = company();
    const { heed, billing, person, settle } = test;
    person(anna.email);
    const operation = billing.processor.operations.forgetTokens as unknown as {
      guard: (...asked: unknown[]) => Promise<unknown>;
    };
    const { guard } = operation;
    const placed: { inFlight: readonly string[] }[] = [];
    operation.guard = async (...asked) => {
      const answer = await guard(...asked);
      if (placed.length === 0) placed.push(await heed.holds.place({ subject: anna, ...order }));
      return answer;
    };
    await heed.requests.open({ ...erasure, subject: anna });
    await settle(3 * dayMs);
    expect(placed).toMatchObject([{ inFlight: [] }]);
    expect(leftOf(test, anna).cards).toBe(1);
    expect(billing.calls.filter(({ at }) => at === "run")).toEqual([]);
  });

  it("whose placing died on the way stops the run all the same", async () => {
    const shared = { storage: memory(), keys: ephemeralKeys() };
    let isPlaced = false;
    const dying: HeedStorage = {
      ...shared.storage,
      transact: async (transaction) => {
        if (isPlaced) throw new Error("it died");
        return shared.storage.transact({
          ...transaction,
          decide: (rows, now) => {
            const decision = transaction.decide(rows, now);
            isPlaced ||= decision.writes.some((write) => "insert" in write && write.insert === "holds");
            return decision;
          },
        });
      },
    };
    const lawyer = company({ ...shared, storage: dying });
    const test = company(shared);
    const { heed, billing, person, settle, rows } = test;
    person(anna.email);
    const operation = billing.processor.operations.forgetTokens as unknown as {
      guard: (...asked: unknown[]) => Promise<unknown>;
    };
    const { guard } = operation;
    const deaths: unknown[] = [];
    operation.guard = async (...asked) => {
      const answer = await guard(...asked);
      await lawyer.heed.holds
        .place({ subject: anna, ...order })
        .catch((error: unknown) => deaths.push(error));
      return answer;
    };
    await heed.requests.open({ ...erasure, subject: anna });
    await settle(3 * dayMs);
    expect(deaths).toHaveLength(1);
    expect(await rows("holds")).toHaveLength(1);
    expect(leftOf(test, anna)).toEqual(all);
    expect(stepOf(await rows("steps"), "billing", "forgetTokens")).toMatchObject({
      state: "due",
      because: "legal-hold",
      attempted: 0,
    });
  });

  it("after the run has begun says so, and nothing is begun again", async () => {
    const clock = virtualClock(start);
    const test = company({ clock });
    const { heed, crm, person, rows } = test;
    person(anna.email);
    crm.fault({ at: "run", operation: "erase", hangs: true });
    await heed.requests.open({ ...erasure, subject: anna });
    const work = heed.work.drain();
    await clock.advance(1_000);
    const erase = stepOf(await rows("steps"), "crm");
    expect(erase).toMatchObject({ state: "running", attempted: 1 });
    const placed = await heed.holds.place({ subject: anna, ...order });
    expect(placed.inFlight).toEqual([erase?.id]);
    const again = await heed.holds.place({ subject: anna, ...order });
    expect(again).toEqual({ ...placed, changed: false });
    await clock.advance(120_000);
    await work;
    for (let n = 0; n < 5; n += 1) {
      const drained = heed.work.drain();
      await clock.advance(dayMs);
      await drained;
    }
    // The vendor hung and did nothing: read back, it is found there, and not run again.
    expect(crm.calls.filter(({ at, operation }) => at === "run" && operation === "erase")).toHaveLength(1);
    expect(crm.find(anna.email)).toHaveLength(1);
    expect(stepOf(await rows("steps"), "crm")).toMatchObject({ state: "due", because: "legal-hold" });
  });

  it("is seen when storage fails just before the run: nothing is destroyed", async () => {
    const inner = memory();
    let isFailing = false;
    const storage: HeedStorage = {
      ...inner,
      transact: async (transaction) => {
        if (
          isFailing &&
          JSON.stringify(Object.keys(transaction.read)) === '["steps","subjectHolds","generalHolds"]'
        )
          throw new Error("the storage is down");
        return inner.transact(transaction);
      },
    };
    const test = company({ storage });
    const { heed, person } = test;
    person(anna.email);
    await heed.requests.open({ ...erasure, subject: anna });
    isFailing = true;
    await expect(heed.work.drain()).rejects.toThrow("the storage is down");
    expect(leftOf(test, anna)).toEqual(all);
  });

  it("is found by a worker that was paused beyond its lease, before any call", async () => {
    const clock = virtualClock(start);
    const shared = { storage: memory(), keys: ephemeralKeys() };
    const pause: { until?: Promise<void> } = {};
    const stopped: VirtualClock = {
      ...clock,
      sleep: (ms, signal) => clock.sleep(ms, signal).then(() => pause.until),
    };
    const reached = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const lame = company({ ...shared, clock: stopped });
    const other = company({ ...shared, clock });
    lame.person(anna.email);
    const erase = lame.crm.processor.operations.erase as unknown as {
      run: (calls: unknown, context: { turn(name: string): Promise<void> }) => Promise<unknown>;
    };
    const { run } = erase;
    // Its timers and its run stand still while it waits for its turn, with its run begun and no call made.
    erase.run = async (calls, context) =>
      run(calls, {
        ...context,
        turn: async (name) => {
          reached.resolve();
          pause.until = goOn.promise;
          await goOn.promise;
          await context.turn(name);
        },
      });
    await lame.heed.requests.open({ ...erasure, subject: anna });
    void lame.heed.work.drain().catch(() => {});
    const state = { isReached: false };
    void reached.promise.then(() => (state.isReached = true));
    while (!state.isReached) await clock.advance(10);
    await clock.advance(20_000);
    const placed = await other.heed.holds.place({ subject: anna, ...order });
    expect(placed.inFlight).toHaveLength(1);
    const took = other.heed.work.drain();
    for (let n = 0; n < 20; n += 1) await clock.advance(1_000);
    await took;
    goOn.resolve();
    delete pause.until;
    for (let n = 0; n < 20; n += 1) await clock.advance(1_000);
    expect(lame.crm.find(anna.email)).toHaveLength(1);
    expect(lame.crm.calls.filter(({ at, operation }) => at === "run" && operation === "erase")).toEqual([]);
  });
});

describe("holds", () => {
  it("are refused without a reason, an orderer, a review date to come, or a scope", async () => {
    const { heed } = company();
    const { place } = heed.holds as unknown as { place: (ask: unknown) => Promise<unknown> };
    for (const wrong of [
      undefined,
      {},
      order,
      { ...order, everyone: false },
      { ...order, everyone: true, subject: anna },
      { ...order, everyone: true, reason: undefined },
      { ...order, everyone: true, reason: "Anna Berg sued us" },
      { ...order, everyone: true, reason: anna.email },
      { ...order, everyone: true, orderedBy: undefined },
      { ...order, everyone: true, orderedBy: anna.email },
      { ...order, everyone: true, reviewAt: undefined },
      { ...order, everyone: true, reviewAt: "soon" },
      { ...order, everyone: true, reviewAt: start },
      { ...order, everyone: true, processor: "constructor" },
      { ...order, subject: {} },
    ]) {
      const refusal = await place(wrong).then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(refusal).toMatchObject({ name: "InvalidInputError" });
      expect(String(refusal)).not.toContain("anna");
    }
    expect(await heed.holds.list()).toEqual([]);
  });

  it("are released once, and only those that are there", async () => {
    const { heed, rows } = company();
    const { id } = await heed.holds.place({ everyone: true, ...order });
    expect(await heed.holds.release(id)).toEqual({ changed: true });
    expect(await heed.holds.release(id)).toEqual({ changed: false });
    await expect(heed.holds.release("nobody")).rejects.toMatchObject({ code: "no-such-hold" });
    expect((await rows("holds")).map(({ releasedAt }) => releasedAt)).toEqual([start]);
  });

  it("are listed, counted and previewed, and never quote the person", async () => {
    const test = company();
    const { heed, clock, person, search } = test;
    person(anna.email);
    const events: unknown[] = [];
    heed.on("hold.placed", (event) => events.push(event));
    heed.on("hold.released", (event) => events.push(event));
    const before = await heed.requests.preview({ ...erasure, subject: anna });
    expect(before.steps.some((step) => step.held)).toBe(false);
    const one = await heed.holds.place({ subject: anna, processor: "crm", ...order });
    const two = await heed.holds.place({ everyone: true, ...order, reviewAt: "2026-03-01T00:00:00Z" });
    const common = { reason: "case-17", orderedBy: "general-counsel", placedAt: start };
    expect(await heed.holds.list()).toEqual([
      { id: two.id, everyone: true, ...common, reviewAt: "2026-03-01T00:00:00.000Z" },
      { id: one.id, everyone: false, processor: "crm", ...common, reviewAt },
    ]);
    expect(await heed.holds.list({ subject: bo })).toMatchObject([{ id: two.id }]);
    expect((await heed.work.status()).holds).toEqual({ active: 2, pastReview: 0 });
    await clock.set("2026-03-01T00:00:00.000Z");
    expect((await heed.work.status()).holds).toEqual({ active: 2, pastReview: 1 });
    await heed.holds.release(two.id);
    expect((await heed.work.status()).holds).toEqual({ active: 1, pastReview: 0 });

    const preview = await heed.requests.preview({ ...erasure, subject: anna });
    expect(
      preview.steps.filter(({ held }) => held).map(({ processor, operation }) => [processor, operation]),
    ).toEqual([
      ["crm", "erase"],
      ["heed", "erase"],
    ]);
    await expect(heed.requests.open({ ...erasure, subject: anna, preview: before })).rejects.toMatchObject({
      code: "plan-changed",
    });
    await heed.requests.open({ ...erasure, subject: anna, preview });
    await heed.work.drain();
    expect(events).toEqual([{ holdId: one.id }, { holdId: two.id }, { holdId: two.id }]);
    expect(await search("canary")).toEqual([]);
    expect(JSON.stringify([await heed.holds.list(), await heed.work.status()])).not.toContain("canary");
    const kept = (await test.rows("evidence")).map(
      ({ entry }) => JSON.parse(entry ?? "null") as { kind: string },
    );
    expect(kept.filter(({ kind }) => kind.startsWith("hold."))).toMatchObject([
      {
        kind: "hold.placed",
        holdId: one.id,
        everyone: false,
        processor: "crm",
        subject: [expect.any(String)],
      },
      { kind: "hold.placed", holdId: two.id, everyone: true, subject: [] },
      { kind: "hold.released", holdId: two.id },
    ]);
  });

  it("stand in their own heed alone", async () => {
    const shared = { storage: memory(), keys: ephemeralKeys() };
    const one = company({ ...shared, namespace: "one" });
    const two = company({ ...shared, namespace: "two" });
    const { id } = await one.heed.holds.place({ everyone: true, ...order });
    await expect(two.heed.holds.release(id)).rejects.toMatchObject({ code: "no-such-hold" });
    two.person(anna.email);
    await two.heed.requests.open({ ...erasure, subject: anna });
    await two.settle();
    expect(leftOf(two, anna)).toEqual(nothing);
  });
});

describeHolds({ name: "memory", create: () => memory(), runs: 60 });
