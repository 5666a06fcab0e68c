import { setImmediate as turnOfTheLoop } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { handClock, type HandClock } from "../../test/hand-clock.ts";
import { mostInAWindow } from "../../test/limits.ts";
import { storedRows } from "../../test/stored-rows.ts";
import type { Clock } from "../contract/clock.ts";
import type { Limit, WindowLimit } from "../contract/processor.ts";
import type { HeedStorage } from "../contract/storage.ts";
import { memory } from "../memory/memory.ts";
import type { Bucket } from "./limiter.ts";
import type { TurnAnswer } from "./turn-queue.ts";
import { TurnQueues } from "./turn-queues.ts";

const stepMs = 4;

const bucket = (limit: Limit, name = "calls", account = "vendor:1"): Bucket => ({ account, name, limit });

/** Real time, by which calls arrive, and the wall clock that processes see, which somebody may put. */
function twoClocks(): { readonly real: HandClock; readonly wall: Clock; put(ms: number): void } {
  const real = handClock();
  let offMs = 0;
  return {
    real,
    wall: {
      now: () => new Date(real.now().getTime() + offMs),
      sleep: (ms, signal) => real.sleep(ms, signal),
    },
    put: (ms) => void (offMs += ms),
  };
}

/** Lets real time pass, and whoever wakes in it go on. */
async function pass(real: HandClock, ms: number, until = () => false): Promise<void> {
  for (let spent = 0; spent < ms && !until(); spent += stepMs) {
    for (let turns = 0; turns < 4; turns += 1) await turnOfTheLoop();
    real.advance(stepMs);
  }
  for (let turns = 0; turns < 4; turns += 1) await turnOfTheLoop();
}

const never = new AbortController().signal;
const wait = (queues: TurnQueues, buckets: readonly Bucket[], lane = 0, mostMs = 600_000, signal = never) =>
  queues.wait({ buckets, lane, mostMs, signal });

/** Counts the transactions that change something, and those that only look. */
function counted(storage: HeedStorage): { readonly storage: HeedStorage; readonly counts: { all: number } } {
  const counts = { all: 0 };
  return {
    counts,
    storage: {
      ...storage,
      transact: (transaction) => {
        counts.all += 1;
        return storage.transact(transaction);
      },
    },
  };
}

interface Run {
  readonly limit: WindowLimit;
  readonly callers: readonly { readonly process: number; readonly lane: number; readonly thinksMs: number }[];
  readonly puts: readonly { readonly atMs: number; readonly byMs: number }[];
  readonly pushes: readonly { readonly atMs: number; readonly process: number; readonly forMs: number }[];
}

/** Processes on one storage, each with callers that make one call after another for a while of real time. */
async function carryOn(run: Run, forMs: number, delays: Iterator<number>) {
  const { real, wall, put } = twoClocks();
  const storage = memory();
  const startMs = real.now().getTime();
  const processes = [0, 1, 2].map(() => new TurnQueues({ storage, clock: wall }));
  const granted: { readonly atMs: number; readonly process: number; readonly lane: number }[] = [];
  const arrivals: number[] = [];
  const pushed: { readonly process: number; readonly atMs: number; readonly untilMs: number }[] = [];
  const over = new AbortController();
  const calls = [bucket(run.limit)];
  const callers = run.callers.map(async ({ process, lane, thinksMs }) => {
    const queues = processes[process % processes.length] ?? new TurnQueues({ storage, clock: wall });
    while (!over.signal.aborted) {
      const answer = await wait(queues, calls, lane, 600_000, over.signal).catch(() => undefined);
      if (answer === undefined) return;
      if (answer === "granted") {
        const atMs = real.now().getTime() - startMs;
        granted.push({ atMs, process: process % processes.length, lane });
        arrivals.push(atMs + ((run.limit.delayMs ?? 500) / 2) * (Number(delays.next().value) / 1000));
      }
      await real.sleep(Math.max(1, thinksMs), over.signal).catch(() => {});
    }
  });
  const events = [
    ...run.puts.map(({ atMs, byMs }) => ({ atMs, does: () => put(byMs) })),
    ...run.pushes.map(({ atMs, process, forMs }) => ({
      atMs,
      does: () => {
        const nowMs = real.now().getTime() - startMs;
        pushed.push({ process: process % processes.length, atMs: nowMs, untilMs: nowMs + forMs });
        void processes[process % processes.length]?.pushBack(calls, forMs);
      },
    })),
  ].toSorted((one, other) => one.atMs - other.atMs);
  let nowMs = 0;
  for (const { atMs, does } of [...events, { atMs: forMs, does: () => {} }]) {
    await pass(real, atMs - nowMs);
    nowMs = Math.max(nowMs, atMs);
    does();
  }
  over.abort();
  await pass(real, 20);
  await Promise.all(callers);
  return { granted, arrivals, pushed };
}

const anyRun = (puts: fc.Arbitrary<Run["puts"]>, pushes: fc.Arbitrary<Run["pushes"]>): fc.Arbitrary<Run> =>
  fc.record({
    limit: fc.record({
      calls: fc.integer({ min: 1, max: 60 }),
      perMs: fc.integer({ min: 50, max: 3000 }),
      burst: fc.integer({ min: 1, max: 6 }),
      delayMs: fc.integer({ min: 5 * stepMs, max: 400 }),
    }),
    callers: fc.array(
      fc.record({
        process: fc.nat({ max: 2 }),
        lane: fc.nat({ max: 2 }),
        thinksMs: fc.oneof(fc.constant(1), fc.nat({ max: 500 })),
      }),
      { minLength: 1, maxLength: 12 },
    ),
    puts,
    pushes,
  });
const anyArrivalDelays = fc.infiniteStream(
  fc.oneof(fc.constant(0), fc.constant(1000), fc.nat({ max: 1000 })),
);
const nothing = fc.constant([]);
const at = fc.nat({ max: 6000 });

describe("turns of several processes", () => {
  it("never send more in a window than the vendor allows, even when clocks are put back", async () => {
    const anyPuts = fc.array(
      fc.record({ atMs: at, byMs: fc.oneof(fc.integer({ min: -3000, max: -1 }), fc.constant(-3_600_000)) }),
      { maxLength: 3 },
    );
    await fc.assert(
      fc.asyncProperty(anyRun(anyPuts, nothing), anyArrivalDelays, async (run, delays) => {
        const { arrivals } = await carryOn(run, 7000, delays);
        expect(arrivals.length).toBeGreaterThan(0);
        expect(mostInAWindow(arrivals, run.limit.perMs)).toBeLessThanOrEqual(run.limit.calls);
      }),
      { numRuns: 100 },
    );
  }, 120_000);

  it("use no slot of before a clock was put back, also where its queue was resting then", async () => {
    const limit = { calls: 5, perMs: 84, burst: 1, delayMs: 20 };
    // Those who rest come to their slots again when the clock does; by then the others have reserved anew.
    const callers = [
      [0, 2],
      [0, 0],
      [1, 0],
      [0, 1],
      [0, 1],
      [0, 1],
    ].map(([process = 0, lane = 0]) => ({ process, lane, thinksMs: 1 }));
    const puts = [{ atMs: 73, byMs: -1688 }];
    const { granted } = await carryOn({ limit, callers, puts, pushes: [] }, 3000, [].values());
    const gaps = granted.slice(1).map(({ atMs }, index) => atMs - (granted[index]?.atMs ?? 0));
    // The pace is one call in 34 ms, and a turn may be used 10 ms late.
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(24);
    expect(granted.length).toBeGreaterThan(30);
  });

  it("come between no slots that others wait for, where the clock was put back while they rested", async () => {
    const { real, wall, put } = twoClocks();
    const storage = memory();
    const startMs = real.now().getTime();
    const grantedAtMs: number[] = [];
    const calls = [bucket({ calls: 1, perMs: 50, burst: 1, delayMs: 20 })];
    // One slot in 70 ms: those of lane 0 fill a second, and the others have their shares behind it. The last ones rest
    // for more than a second, and never see that the clock was put back by less than that.
    for (const [lane, count] of [14, 4, 2].entries()) {
      const queues = new TurnQueues({ storage, clock: wall });
      for (let n = 0; n < count; n += 1)
        void wait(queues, calls, lane).then(() => grantedAtMs.push(real.now().getTime() - startMs));
      await pass(real, stepMs);
    }
    await pass(real, 20);
    put(-1200);
    await pass(real, 5000);
    const gaps = grantedAtMs.slice(1).map((atMs, index) => atMs - (grantedAtMs[index] ?? 0));
    expect(grantedAtMs).toHaveLength(20);
    // A turn may be used 10 ms late.
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(60);
  });

  it("send at most a burst and half a delay's calls more for each time that a clock is put forward", async () => {
    const anyPuts = fc.array(fc.record({ atMs: at, byMs: fc.integer({ min: 1, max: 20_000 }) }), {
      minLength: 1,
      maxLength: 3,
    });
    await fc.assert(
      fc.asyncProperty(anyRun(anyPuts, nothing), anyArrivalDelays, async (run, delays) => {
        const { calls, perMs, burst = 4, delayMs = 500 } = run.limit;
        const { arrivals } = await carryOn(run, 7000, delays);
        const more = burst + Math.ceil((delayMs / 2) * (calls / perMs));
        expect(mostInAWindow(arrivals, perMs)).toBeLessThanOrEqual(calls + run.puts.length * more);
      }),
      { numRuns: 60 },
    );
  }, 120_000);

  it("stop for a vendor that asks to slow down: here at once, elsewhere within 200 ms", async () => {
    const anyPushes = fc.array(
      fc.record({ atMs: at, process: fc.nat({ max: 2 }), forMs: fc.integer({ min: 300, max: 2000 }) }),
      { minLength: 1, maxLength: 3 },
    );
    await fc.assert(
      fc.asyncProperty(anyRun(nothing, anyPushes), anyArrivalDelays, async (run, delays) => {
        const { granted, arrivals, pushed } = await carryOn(run, 7000, delays);
        for (const push of pushed) {
          const during = granted.filter(({ atMs }) => atMs > push.atMs + stepMs && atMs < push.untilMs);
          expect(during.filter(({ process }) => process === push.process)).toEqual([]);
          expect(during.filter(({ atMs }) => atMs > push.atMs + 200 + stepMs)).toEqual([]);
        }
        expect(mostInAWindow(arrivals, run.limit.perMs)).toBeLessThanOrEqual(run.limit.calls);
      }),
      { numRuns: 60 },
    );
  }, 120_000);

  it("use what the vendor allows, share it between lanes, and commit far less often than they call", async () => {
    const { real, wall } = twoClocks();
    const { storage, counts } = counted(memory());
    const limit = { calls: 100, perMs: 1000, delayMs: 50 };
    const processes = [0, 1].map(() => new TurnQueues({ storage, clock: wall }));
    const used = [0, 0, 0];
    const over = new AbortController();
    for (const queues of processes) {
      for (let n = 0; n < 30; n += 1) {
        void (async () => {
          for (;;) {
            await wait(queues, [bucket(limit)], n % 3, 600_000, over.signal);
            used[n % 3] = (used[n % 3] ?? 0) + 1;
          }
        })().catch(() => {});
      }
    }
    await pass(real, 10_000);
    over.abort();
    const all = used.reduce((sum, each) => sum + each, 0);
    expect(all).toBeGreaterThanOrEqual(0.9 * 1000);
    expect(used[1]).toBeGreaterThanOrEqual(all / 4 - 10);
    expect(used[2]).toBeGreaterThanOrEqual(all / 8 - 10);
    expect(counts.all).toBeLessThan(all / 2);
  });
});

describe("a turn", () => {
  const limit = { calls: 12, perMs: 10_000, burst: 1, delayMs: 0 };

  it("that is further away than anybody waits is refused at once, and nothing is reserved for it", async () => {
    const { real, wall } = twoClocks();
    const storage = memory();
    const queues = new TurnQueues({ storage, clock: wall });
    expect(await wait(queues, [bucket(limit)])).toBe("granted");
    const before = await storedRows(storage, wall, "limits");
    expect(await wait(queues, [bucket(limit)], 0, 500)).toEqual({ nextInMs: 1000 });
    await pass(real, 0);
    expect(await storedRows(storage, wall, "limits")).toEqual(before);
    const answers: TurnAnswer[] = [];
    for (const mostMs of [1000, 1500, 2000]) {
      void wait(queues, [bucket(limit)], 0, mostMs).then((answer) => answers.push(answer));
    }
    await pass(real, 0);
    // The second in the queue comes after two seconds, and waits for one and a half.
    expect(answers).toEqual([{ nextInMs: 2000 }]);
    await pass(real, 2100);
    expect(answers.slice(1)).toEqual(["granted", "granted"]);
  });

  /** Three turns are reserved, then nobody waits for them any more; in between, `meanwhile`. */
  async function leaveReserved(meanwhile: (others: TurnQueues, calls: readonly Bucket[]) => void) {
    const { real, wall } = twoClocks();
    const storage = memory();
    const [queues, others] = [
      new TurnQueues({ storage, clock: wall }),
      new TurnQueues({ storage, clock: wall }),
    ];
    const calls = [bucket({ calls: 100, perMs: 1000, burst: 1, delayMs: 0 })];
    const arrival = async () => {
      await pass(real, 0);
      return (await storedRows(storage, wall, "limits"))[0]?.arrival ?? 0;
    };
    await wait(queues, calls);
    const before = await arrival();
    const leave = new AbortController();
    const left = [1, 2, 3].map(() => wait(queues, calls, 0, 60_000, leave.signal).catch(() => "left"));
    const reserved = await arrival();
    meanwhile(others, calls);
    await arrival();
    leave.abort();
    expect(await Promise.all(left)).toEqual(["left", "left", "left"]);
    return { before, reserved, after: await arrival() };
  }

  it("that nobody waits for any more is given back", async () => {
    const { before, reserved, after } = await leaveReserved(() => {});
    expect(reserved).toBeGreaterThan(before);
    expect(after).toBe(before);
  });

  it("that nobody waits for any more is lost when another process has taken one after it", async () => {
    const { reserved, after } = await leaveReserved((others, calls) => void wait(others, calls));
    expect(after).toBeGreaterThan(reserved);
  });

  it("is asked for anew each time, and never waited for on what was heard before", async () => {
    const { real, wall } = twoClocks();
    const queues = new TurnQueues({ storage: memory(), clock: wall });
    const calls = [bucket({ calls: 1, perMs: 60_000, delayMs: 0 })];
    expect(await wait(queues, calls)).toBe("granted");
    for (let n = 0; n < 3; n += 1) {
      const answers: TurnAnswer[] = [];
      void wait(queues, calls, 0, 500).then((answer) => answers.push(answer));
      await pass(real, 0);
      expect(answers).toEqual([{ nextInMs: 60_000 }]);
    }
  });

  it("comes soon when the clock is put back by an hour, whenever that happens", async () => {
    for (const isDuringALook of [false, true]) {
      const { real, wall, put } = twoClocks();
      const inner = memory();
      let putBack = isDuringALook ? () => put(-3_600_000) : () => {};
      const storage: HeedStorage = {
        ...inner,
        async transact(transaction) {
          const answer = await inner.transact(transaction);
          putBack();
          putBack = () => {};
          return answer;
        },
      };
      const queues = new TurnQueues({ storage, clock: wall });
      const calls = [bucket({ calls: 30, perMs: 3000, burst: 1, delayMs: 400 })];
      const answers: TurnAnswer[] = [];
      for (let n = 0; n < 4; n += 1) void wait(queues, calls).then((answer) => answers.push(answer));
      await pass(real, 60);
      if (!isDuringALook) put(-3_600_000);
      await pass(real, 6000);
      expect(answers).toEqual(["granted", "granted", "granted", "granted"]);
    }
  });

  it("takes one call from a bucket that is named twice", async () => {
    const { wall } = twoClocks();
    const rows = await Promise.all(
      [1, 2].map(async (times) => {
        const storage = memory();
        await wait(new TurnQueues({ storage, clock: wall }), Array(times).fill(bucket(limit)) as Bucket[]);
        return storedRows(storage, wall, "limits");
      }),
    );
    expect(rows[0]).toEqual(rows[1]);
  });

  it("counts accounts and buckets apart", async () => {
    const { wall } = twoClocks();
    const queues = new TurnQueues({ storage: memory(), clock: wall });
    for (const each of [bucket(limit), bucket(limit, "search"), bucket(limit, "calls", "vendor:2")])
      expect(await wait(queues, [each], 0, 0)).toBe("granted");
    expect(await wait(queues, [bucket(limit)], 0, 0)).toEqual({ nextInMs: 1000 });
  });

  it("fails for all who wait when the storage does", async () => {
    const { wall } = twoClocks();
    const storage = memory();
    await storage.close();
    const queues = new TurnQueues({ storage, clock: wall });
    const answers = await Promise.allSettled([1, 2].map(() => wait(queues, [bucket(limit)])));
    expect(
      answers.map((each) => each.status === "rejected" && (each.reason as { code: string }).code),
    ).toEqual(["storage-closed", "storage-closed"]);
  });
});

describe("what a vendor's headers say", () => {
  const limit = { calls: 100, perMs: 1000, burst: 4, delayMs: 0 };

  async function after(
    seen: readonly { remaining: number; resetInMs?: number }[],
    of: Limit = limit,
    apartMs = 0,
  ) {
    const { real, wall } = twoClocks();
    const { storage, counts } = counted(memory());
    const queues = new TurnQueues({ storage, clock: wall });
    for (const [index, each] of seen.entries()) {
      if (index > 0) real.advance(apartMs);
      await queues.observed(bucket(of), each);
    }
    const answer = await wait(queues, [bucket(of)], 0, 0);
    return { answer, observations: counts.all - 1 };
  }

  it("slows down when fewer calls remain than heed itself leaves", async () => {
    expect((await after([{ remaining: 0 }])).answer).toEqual({ nextInMs: 53 });
    expect((await after([{ remaining: 4 }])).answer).toEqual({ nextInMs: 11 });
    expect((await after([{ remaining: 0, resetInMs: 2000 }])).answer).toEqual({ nextInMs: 2000 });
  });

  it("never makes anything faster, and mostly costs nothing", async () => {
    expect(await after([{ remaining: 5 }, { remaining: 99 }])).toEqual({
      answer: "granted",
      observations: 0,
    });
    expect((await after([{ remaining: 0 }, { remaining: 100 }])).answer).toEqual({ nextInMs: 53 });
    expect((await after([{ remaining: Number.NaN }])).answer).toBe("granted");
  });

  it("leaves what is reserved already where it is", async () => {
    const { wall } = twoClocks();
    const storage = memory();
    const queues = new TurnQueues({ storage, clock: wall });
    const leave = new AbortController();
    const left = Array.from({ length: 40 }, () =>
      wait(queues, [bucket(limit)], 0, 600_000, leave.signal).catch(() => undefined),
    );
    for (let turns = 0; turns < 10; turns += 1) await turnOfTheLoop();
    const [before] = await storedRows(storage, wall, "limits");
    await queues.observed(bucket(limit), { remaining: 4 });
    expect((await storedRows(storage, wall, "limits"))[0]?.arrival).toBe(before?.arrival);
    leave.abort();
    await Promise.all(left);
  });

  it("uses up a day as far as others have used it", async () => {
    const daily = { calls: 100, perDay: { zone: "UTC" } };
    expect((await after([{ remaining: 1 }], daily)).answer).toBe("granted");
    expect((await after([{ remaining: 0 }], daily)).answer).toEqual({ nextInMs: 12 * 3_600_000 + 1000 });
    expect((await after([{ remaining: 0 }, { remaining: 100 }], daily, 300)).answer).toHaveProperty(
      "nextInMs",
    );
  });
});
