import { definePolicy, ephemeralKeys, memory, ownData } from "@heed/core";
import type { Call, CallContext } from "@heed/core/contract";
import type { HeedStorage, Row } from "@heed/core/storage";
import { describe, expect, it } from "vitest";
import { createTestHeed } from "../create-test-heed.ts";
import { virtualClock, type VirtualClock } from "../virtual-clock.ts";
import { company } from "./people.ts";

const start = "2026-01-15T12:00:00.000Z";
const emails = ["a@example.org", "b@example.org", "c@example.org"];

/** Two workers over one storage. The first one's run waits in the middle, until it is let go. */
async function twoWorkers(operation: "erase" | "unsubscribe", when: "before its call" | "between its calls") {
  const shared = { storage: memory(), keys: ephemeralKeys(), clock: virtualClock(start) };
  const first = company(shared);
  for (const email of emails) {
    first.person(email);
    if (operation === "erase")
      await first.heed.requests.open({ right: "erasure", identity: "signed-in", subject: { email } });
    else await first.heed.subscriptions.unsubscribe({ subject: { email }, topic: "newsletter" });
  }
  const reached = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const touched: string[][] = [];
  const ids = new Map<string, string>();
  const target = first.crm.processor.operations[operation] as unknown as {
    run: (calls: readonly Call[], context: CallContext<"calls">) => unknown;
  };
  let isFirst = true;
  target.run = async (calls, context) => {
    if (when === "between its calls") await context.turn("calls");
    if (isFirst) {
      isFirst = false;
      for (const { id, identifiers } of calls) ids.set(identifiers[0].value, id);
      reached.resolve();
      await goOn.promise;
    }
    await context.turn("calls");
    touched.push(calls.map(({ identifiers }) => identifiers[0].value).toSorted());
    for (const { identifiers } of calls) {
      for (const record of first.crm.find(identifiers[0].value))
        if (operation === "erase") first.crm.records.delete(record.id);
      first.crm.optedOut.set(identifiers[0].value, new Set(["newsletter"]));
    }
    return new Map(calls.map(({ id }) => [id, { status: "done", affected: 1 }]));
  };
  const draining = first.heed.work.drain();
  const state = { isReached: false };
  void reached.promise.then(() => (state.isReached = true));
  while (!state.isReached) await shared.clock.advance(10);
  /** Takes one step out of the worker's hands, as a take-over or a hold would. */
  async function lose(email: string): Promise<string> {
    const id = ids.get(email) ?? "";
    await shared.storage.transact({
      lock: [],
      clock: shared.clock,
      read: {},
      decide: () => ({
        writes: [
          {
            update: "steps",
            where: { id },
            set: { state: "waiting", leaseUntil: null, attempt: 99, dueAt: null, because: "taken" },
          },
        ],
        answer: undefined,
      }),
    });
    return id;
  }
  async function finish(): Promise<void> {
    goOn.resolve();
    const state = { isDone: false };
    void draining.then(() => (state.isDone = true));
    for (let n = 0; n < 200 && !state.isDone; n += 1) await shared.clock.advance(1_000);
    expect(state.isDone).toBe(true);
  }
  return { ...first, clock: shared.clock, touched, lose, finish };
}

describe("a lease that is lost in part", () => {
  it.each(["erase", "unsubscribe"] as const)(
    "before the first call leaves that step alone, and the others go on at once: %s",
    async (operation) => {
      const test = await twoWorkers(operation, "before its call");
      const lost = await test.lose("b@example.org");
      await test.clock.advance(16_000);
      await test.finish();
      const steps = (await test.rows("steps")).filter((row) => row.operation === operation);
      const own = steps.filter(({ processor }) => processor === "crm");
      // Leased once for each phase: nobody had to begin again.
      const phases = operation === "erase" ? 3 : 2;
      expect(own.filter(({ id }) => id !== lost).map(({ state, attempt }) => [state, attempt])).toEqual([
        ["verified", phases],
        ["verified", phases],
      ]);
      expect(own.find(({ id }) => id === lost)).toMatchObject({
        state: "waiting",
        because: "taken",
        attempt: 99,
      });
      expect(test.touched).toEqual([["a@example.org", "c@example.org"]]);
    },
  );

  it("in the middle of destroying ends the question: the others are asked again without it", async () => {
    const test = await twoWorkers("erase", "between its calls");
    const lost = await test.lose("b@example.org");
    await test.clock.advance(16_000);
    await test.finish();
    expect(test.touched.flat()).not.toContain("b@example.org");
    expect([...test.crm.records.keys()]).toEqual(["crm-b@example.org"]);
    const own = (await test.rows("steps")).filter(
      (row) => row.operation === "erase" && row.processor === "crm",
    );
    expect(own.filter(({ state }) => state === "verified")).toHaveLength(2);
    expect(own.find(({ id }) => id === lost)).toMatchObject({ attempt: 99 });
  });
});

describe("a worker that stood still", () => {
  it.each(["by the date", "by time elapsed alone, its date put back"])(
    "makes no irreversible call when its step was taken meanwhile: %s",
    async (how) => {
      const clock = virtualClock(start);
      const shared = { storage: memory(), keys: ephemeralKeys() };
      let isPaused = false;
      let lagMs = 0;
      const began = clock.now().getTime();
      const now = () => new Date(clock.now().getTime() - lagMs);
      // While it stands still, none of its timers fires.
      const stopped: VirtualClock = {
        ...clock,
        now,
        ...(how === "by the date" ? {} : { elapsedMs: () => clock.now().getTime() - began }),
        sleep: (ms, signal) =>
          isPaused ? new Promise(() => {}) : clock.sleep(ms, signal).then(whileRunning),
      };
      const whileRunning = (): void | Promise<never> => (isPaused ? new Promise<never>(() => {}) : undefined);
      const reached = Promise.withResolvers<void>();
      const goOn = Promise.withResolvers<void>();
      // It stands still between the lease of the run and the run itself.
      const storage: HeedStorage = {
        ...shared.storage,
        async transact(transaction) {
          let isRunLeased = false;
          const answer = await shared.storage.transact({
            ...transaction,
            decide: (rows, now) => {
              const decision = transaction.decide(rows, now);
              const { steps = [] } = rows as { steps?: readonly Row<"steps">[] };
              const erase = steps.find((row) => row.processor === "crm" && row.operation === "erase");
              isRunLeased = decision.writes.some(
                (write) =>
                  "update" in write &&
                  write.update === "steps" &&
                  [write.where.id].flat().includes(erase?.id) &&
                  write.set.attempted === 1,
              );
              return decision;
            },
          });
          if (isRunLeased) {
            reached.resolve();
            await goOn.promise;
          }
          return answer;
        },
      };
      const lame = company({ ...shared, storage, clock: stopped });
      const other = company({ ...shared, clock });
      const subject = lame.person("a@example.org");
      other.person("a@example.org");
      await lame.heed.requests.open({ right: "erasure", identity: "signed-in", subject });
      const erase = lame.crm.processor.operations.erase as unknown as { run: unknown };
      // No turn is taken: nothing but the lease stands between.
      let runs = 0;
      erase.run = async () => {
        runs += 1;
        return new Map();
      };
      void lame.heed.work.drain();
      const state = { isReached: false };
      void reached.promise.then(() => (state.isReached = true));
      while (!state.isReached) await clock.advance(10);
      isPaused = true;
      await clock.advance(20_000);
      const took = other.heed.work.drain();
      for (let n = 0; n < 20; n += 1) await clock.advance(1_000);
      await took;
      expect(other.crm.records.size).toBe(0);
      if (how !== "by the date") lagMs = 40_000;
      isPaused = false;
      goOn.resolve();
      for (let n = 0; n < 20; n += 1) await clock.advance(1_000);
      expect(runs).toBe(0);
    },
  );

  it("while it waited for its turn makes no call with it when its step was taken meanwhile", async () => {
    const clock = virtualClock(start);
    const shared = { storage: memory(), keys: ephemeralKeys() };
    const pause: { until?: Promise<void> } = {};
    const state = { isReached: false };
    const never = new Promise<void>(() => {});
    const paused: VirtualClock = {
      ...clock,
      // The timer that prolongs leases, a third of one, comes last when it goes on: too late to be of help.
      sleep: (ms, signal) =>
        clock.sleep(ms, signal).then(() => (state.isReached && ms === 5_000 ? never : pause.until)),
    };
    // A turn each third of a second, so that one is in hand before its time; no delay makes it void.
    const crm = { limit: { calls: 30, perMs: 10_000, burst: 1, delayMs: 0 } } as const;
    const lame = company({ ...shared, clock: paused, crm });
    const other = company({ ...shared, clock, crm });
    const { email } = lame.person("a@example.org");
    other.person(email);
    const erase = lame.crm.processor.operations.erase as unknown as {
      run: (calls: unknown, context: unknown) => Promise<unknown>;
    };
    const { run } = erase;
    const goOn = Promise.withResolvers<void>();
    erase.run = async (calls, context) => {
      pause.until = goOn.promise;
      state.isReached = true;
      return run(calls, context);
    };
    await lame.heed.requests.open({ right: "erasure", identity: "signed-in", subject: { email } });
    void lame.heed.work.drain();
    for (let n = 0; n < 1_000 && !state.isReached; n += 1) await clock.advance(100);
    expect(state.isReached).toBe(true);
    const isRun = ({ at, operation }: { at: string; operation: unknown }) =>
      at === "run" && operation === "erase";
    for (let n = 0; n < 20; n += 1) await clock.advance(1_000);
    const took = other.heed.work.drain();
    for (let n = 0; n < 120; n += 1) await clock.advance(1_000);
    await took;
    expect(other.crm.calls.filter(isRun)).toHaveLength(1);
    delete pause.until;
    goOn.resolve();
    for (let n = 0; n < 60; n += 1) await clock.advance(1_000);
    expect(lame.crm.calls.filter(isRun)).toEqual([]);
    expect(lame.crm.find(email)).toHaveLength(1);
  });
});

describe("a worker that stood still while a legal hold landed", () => {
  const order = { reason: "case-17", orderedBy: "counsel", reviewAt: "2027-01-15T12:00:00.000Z" } as const;
  const isTaken = [
    ["and nobody has its steps", false],
    ["and another has its steps", true],
  ] as const;
  const ownPolicy = definePolicy({
    controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
    recipients: { app: { role: "own", country: "SE" } },
    purposes: { news: { basis: "consent" } },
    topics: { newsletter: { class: "marketing", purpose: "news" } },
  });

  it.each(isTaken)("makes no irreversible call at a vendor, %s", async (_, isTaken) => {
    const clock = virtualClock(start);
    const shared = { storage: memory(), keys: ephemeralKeys() };
    const lame = company({ ...shared, clock: { ...clock, sleep: () => new Promise(() => {}) } });
    const other = company({ ...shared, clock });
    const reached = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const erase = lame.crm.processor.operations.erase as unknown as {
      run: (calls: readonly Call[], context: CallContext<"calls">) => Promise<unknown>;
    };
    const { run } = erase;
    erase.run = async (calls, context) => {
      reached.resolve();
      await goOn.promise;
      return run(calls, context);
    };
    const subject = lame.person("a@example.org");
    await lame.heed.requests.open({ right: "erasure", identity: "signed-in", subject });
    void lame.heed.work.drain();
    await reached.promise;
    await clock.advance(20_000);
    const { inFlight } = await other.heed.holds.place({ everyone: true, ...order });
    if (isTaken) await other.heed.work.drain();
    goOn.resolve();
    await clock.advance(20_000);
    expect([...lame.crm.records.keys()]).toEqual(["crm-a@example.org"]);
    await other.heed.work.drain();
    expect((await other.rows("steps")).filter(({ id }) => inFlight.includes(id))).toMatchObject([
      { processor: "crm", operation: "erase", state: "due", because: "legal-hold" },
    ]);
  });

  it.each(isTaken)("destroys no more of the application's rows, %s", async (_, isTaken) => {
    const clock = virtualClock(start);
    const shared = { storage: memory(), keys: ephemeralKeys(), policy: ownPolicy };
    const rows = new Set(emails);
    const reached = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const touched: string[] = [];
    const app = ownData({
      by: "email",
      holds: async (email) => rows.has(email),
      async erase(email) {
        touched.push(email);
        reached.resolve();
        await goOn.promise;
        rows.delete(email);
      },
    });
    const still: VirtualClock = { ...clock, sleep: () => new Promise(() => {}) };
    const lame = createTestHeed({ ...shared, clock: still, processors: { app } });
    const other = createTestHeed({ ...shared, clock, processors: { app } });
    for (const email of emails)
      await lame.heed.requests.open({ right: "erasure", identity: "signed-in", subject: { email } });
    void lame.heed.work.drain();
    await reached.promise;
    await clock.advance(20_000);
    const { inFlight } = await other.heed.holds.place({ everyone: true, ...order });
    expect(inFlight).toHaveLength(3);
    if (isTaken) await other.heed.work.drain();
    goOn.resolve();
    await clock.advance(20_000);
    expect(touched).toHaveLength(1);
    expect([...rows]).toEqual(emails.filter((email) => email !== touched[0]));
  });
});
