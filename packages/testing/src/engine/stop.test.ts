import { ephemeralKeys, InvalidInputError, memory } from "@heed/core";
import type { Call, CallContext } from "@heed/core/contract";
import { describe, expect, it } from "vitest";
import { write } from "../storages/transactions.ts";
import { virtualClock } from "../virtual-clock.ts";
import { company } from "./people.ts";

const start = "2026-01-15T12:00:00.000Z";

function working(options: Parameters<typeof company>[0] = {}) {
  const clock = virtualClock(start);
  const shared = { storage: memory(), keys: ephemeralKeys(), clock };
  const test = company({ ...shared, ...options });
  const unsubscribe = (email: string) =>
    test.heed.subscriptions.unsubscribe({ subject: { email }, topic: "newsletter" });
  /** Lets time pass until the promise is settled, and says how long that took. */
  async function until(promise: Promise<unknown>): Promise<number> {
    const since = clock.now().getTime();
    const state = { isDone: false };
    void promise.then(() => (state.isDone = true));
    while (!state.isDone && clock.now().getTime() < since + 600_000) await clock.advance(100);
    expect(state.isDone).toBe(true);
    return clock.now().getTime() - since;
  }
  return { ...test, clock, shared, unsubscribe, until };
}

describe("a worker that always has something in hand", () => {
  it.each(["start", "drain"] as const)("does what is due beside steps all the same: %s", async (how) => {
    const { heed, crm, clock, unsubscribe, until } = working({
      crm: { batchSize: 1, limit: { calls: 4, perMs: 4_000, burst: 1, delayMs: 0 } },
    });
    for (let n = 0; n < 60; n += 1) await unsubscribe(`p${n}@example.org`);
    const { id } = await heed.requests.open({
      right: "erasure",
      identity: "unverified",
      receivedAt: "2025-06-01T12:00:00.000Z",
      subject: { email: "late@example.org" },
    });
    if (how === "start") {
      heed.work.start();
      await clock.advance(20_000);
    } else await until(heed.work.drain({ budgetMs: 5_000 }));
    expect(crm.optedOut.size).toBeLessThan(60);
    expect((await heed.requests.get(id)).state).toBe("expired");
    await until(heed.work.stop());
  });
});

describe("a worker that has nothing to do", () => {
  it("is told when another's lease ends: what that one has in hand may be due then", async () => {
    const { heed, rows, clock, storage } = company();
    await heed.subscriptions.unsubscribe({ subject: { email: "a@example.org" }, topic: "newsletter" });
    const [step] = await rows("steps");
    const leaseUntil = new Date(clock.now().getTime() + 15_000).toISOString();
    const set = { state: "running", leaseUntil, attempt: 1 };
    await write(storage, [{ update: "steps", where: { id: step?.id ?? "" }, set }]);
    expect(await heed.work.drain()).toEqual({ settled: 0, open: 1, nextAt: leaseUntil });
  });
});

describe("a worker that is told to stop", () => {
  it("takes nothing new, and lets what is in hand end", async () => {
    const { heed, crm, clock, rows, unsubscribe, until } = working({ work: { batchesPerProcessor: 1 } });
    const { run } = crm.processor.operations.unsubscribe as unknown as {
      run: (calls: readonly Call[], context: CallContext<"calls">) => Promise<unknown>;
    };
    Object.assign(crm.processor.operations.unsubscribe ?? {}, {
      run: async (calls: readonly Call[], context: CallContext<"calls">) => {
        await clock.sleep(5_000);
        return run(calls, context);
      },
    });
    heed.work.start();
    await unsubscribe("a@example.org");
    await clock.advance(1_000);
    await unsubscribe("b@example.org");
    await clock.advance(1_000);
    const tookMs = await until(heed.work.stop());
    expect(tookMs).toBeLessThan(5_000);
    expect([...crm.optedOut.keys()]).toEqual(["a@example.org"]);
    expect((await rows("steps")).map(({ state }) => state)).toEqual(["due", "due"]);
    await clock.advance(60_000);
    expect(crm.optedOut.size).toBe(1);
  });

  it.each([
    ["a budget", () => ({ budgetMs: 10_000 }), 12_000],
    ["no budget", () => ({}), Number.POSITIVE_INFINITY],
  ] as const)(
    "drains with %s and its grace for as long as that, however long a question goes on",
    async (_, limit, mostMs) => {
      const { heed, crm, clock, unsubscribe, until } = working({ work: { graceMs: 2_000 } });
      const { run } = crm.processor.operations.unsubscribe as unknown as {
        run: (calls: readonly Call[], context: CallContext<"calls">) => Promise<unknown>;
      };
      Object.assign(crm.processor.operations.unsubscribe ?? {}, {
        run: async (calls: readonly Call[], context: CallContext<"calls">) => {
          for (let slow = 0; slow < 10; slow += 1) {
            await context.turn("calls");
            await clock.sleep(5_000);
          }
          return run(calls, context);
        },
      });
      await unsubscribe("a@example.org");
      const tookMs = await until(heed.work.drain(limit()));
      expect(tookMs).toBeLessThanOrEqual(mostMs + 200);
      expect(crm.optedOut.size).toBe(mostMs === Number.POSITIVE_INFINITY ? 1 : 0);
    },
  );

  it("gives back what had not begun when its time is up, so that another goes on at once", async () => {
    const slow = { calls: 3, perMs: 60_000, burst: 1, delayMs: 0 };
    const { heed, crm, clock, rows, shared, unsubscribe, until } = working({
      crm: { batchSize: 1, limit: slow },
      work: { graceMs: 1_000, leaseMs: 120_000 },
    });
    heed.work.start();
    for (const email of ["a@example.org", "b@example.org"]) await unsubscribe(email);
    await clock.advance(1_000);
    expect((await rows("steps")).some(({ state }) => state === "running")).toBe(true);
    const tookMs = await until(heed.work.stop());
    expect(tookMs).toBeLessThan(2_000);
    const steps = await rows("steps");
    expect(steps.map((step) => [step.state, step.attempted, step.because, step.tries])).toEqual([
      ["due", 0, null, 0],
      ["due", 0, null, 0],
    ]);
    expect(steps.every((step) => step.dueAt !== null && step.dueAt <= clock.now().toISOString())).toBe(true);
    // Another account, so that its turns are its own.
    const other = company({ ...shared, crm: { account: "account-2" } });
    await until(other.heed.work.drain());
    expect(other.crm.optedOut.size + crm.optedOut.size).toBe(2);
  });

  it("has what was begun read back by the next worker, and never repeats it blindly", async () => {
    const { heed, crm, clock, rows, shared, unsubscribe, until } = working({ work: { graceMs: 1_000 } });
    heed.work.start();
    crm.fault({ at: "run", hangs: true });
    await unsubscribe("a@example.org");
    await clock.advance(1_000);
    expect(await until(heed.work.stop())).toBeLessThan(2_000);
    expect((await rows("steps"))[0]).toMatchObject({ state: "due", phase: "verify", attempted: 1 });
    const other = company(shared);
    other.crm.optedOut.set("a@example.org", new Set(["newsletter"]));
    await until(other.heed.work.drain());
    expect((await rows("steps"))[0]).toMatchObject({ state: "verified" });
    expect(other.crm.calls.filter(({ at }) => at === "run")).toEqual([]);
  });

  it("does not wait for an account that is being proven", async () => {
    const { heed, crm, clock, rows, unsubscribe, until } = working({ work: { graceMs: 1_000 } });
    Object.assign(crm.processor, { check: () => new Promise(() => {}) });
    heed.work.start();
    await unsubscribe("a@example.org");
    await clock.advance(1_000);
    expect(await until(heed.work.stop())).toBeLessThan(2_000);
    expect((await rows("steps"))[0]).toMatchObject({ state: "due", tries: 0, attempted: 0, because: null });
  });

  it("can be told by a signal, and works again when it is started anew", async () => {
    const { heed, crm, clock, unsubscribe, until } = working();
    const controller = new AbortController();
    heed.work.start({ signal: controller.signal });
    await unsubscribe("a@example.org");
    await clock.advance(1_000);
    expect(crm.optedOut.size).toBe(1);
    controller.abort();
    await until(heed.work.stop());
    heed.work.start({ signal: controller.signal });
    await unsubscribe("b@example.org");
    await clock.advance(5_000);
    expect(crm.optedOut.size).toBe(1);
    heed.work.start();
    await clock.advance(5_000);
    expect(crm.optedOut.size).toBe(2);
    await until(heed.work.stop());
    expect(() => heed.work.start({ signal: "SIGTERM" as never })).toThrow(InvalidInputError);
  });

  it("is not started anew in silence before it has stopped: nobody would work", async () => {
    const { heed, crm, clock, unsubscribe, until } = working();
    heed.work.start();
    heed.work.start();
    await clock.advance(1_000);
    const stopped = heed.work.stop();
    expect(() => heed.work.start()).toThrow(TypeError);
    await until(stopped);
    heed.work.start();
    await unsubscribe("a@example.org");
    await clock.advance(5_000);
    expect(crm.optedOut.size).toBe(1);
    await until(heed.work.stop());
  });
});
