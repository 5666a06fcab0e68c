import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { handClock, type HandClock } from "../../test/hand-clock.ts";
import { storedRows } from "../../test/stored-rows.ts";
import type { HeedContext } from "../context.ts";
import type { Limit } from "../contract/processor.ts";
import { memory } from "../memory/memory.ts";
import { paceOf, pushBack, reserve as reserveGrant, type Bucket } from "./limiter.ts";

/** How long the next call waits. */
const reserve = async (context: HeedContext, buckets: readonly Bucket[]): Promise<number> =>
  (await reserveGrant(context, buckets)).waitMs;

/** What the limiter needs of a heed: a clock, and a storage that all workers share. */
function limiting(): { context: HeedContext; clock: HandClock } {
  const clock = handClock();
  return { context: { storage: memory(), clock } as unknown as HeedContext, clock };
}

const bucket = (name: string, limit: Limit, account = "vendor:1"): Bucket => ({ account, name, limit });

const anyLimit: fc.Arbitrary<Limit> = fc.record(
  {
    calls: fc.integer({ min: 1, max: 30 }),
    perMs: fc.integer({ min: 1, max: 10_000 }),
    burst: fc.integer({ min: 0, max: 40 }),
    delayMs: fc.integer({ min: 0, max: 1500 }),
  },
  { requiredKeys: ["calls", "perMs"] },
);

/** When requests come: mostly at once, sometimes after a pause. */
const anyPauses = fc.array(fc.oneof(fc.constant(0), fc.nat({ max: 50 }), fc.nat({ max: 12_000 })), {
  minLength: 1,
  maxLength: 80,
});
/** Where within its allowed delay a call arrives, in thousandths. */
const anyDelays = fc.infiniteStream(fc.oneof(fc.constant(0), fc.constant(1000), fc.nat({ max: 1000 })));

const delayOf = (limit: Limit, thousandths: number) => ((limit.delayMs ?? 500) * thousandths) / 1000;

function mostInAWindow(arrivals: readonly number[], perMs: number): number {
  const sorted = arrivals.toSorted((a, b) => a - b);
  const counts = sorted.map(
    (from, index) => sorted.slice(index).filter((arrival) => arrival < from + perMs).length,
  );
  return Math.max(0, ...counts);
}

describe("reserve", () => {
  it("never lets more calls arrive in a window than the vendor allows, however late each arrives", async () => {
    await fc.assert(
      fc.asyncProperty(anyLimit, anyPauses, anyDelays, async (limit, pauses, delays) => {
        const { context, clock } = limiting();
        const arrivals: number[] = [];
        for (const pause of pauses) {
          clock.advance(pause);
          const waitMs = await reserve(context, [bucket("calls", limit)]);
          expect(waitMs).toBeGreaterThanOrEqual(0);
          arrivals.push(clock.now().getTime() + waitMs + delayOf(limit, delays.next().value as number));
        }
        expect(mostInAWindow(arrivals, limit.perMs)).toBeLessThanOrEqual(limit.calls);
      }),
      { numRuns: 400 },
    );
  });

  it("holds every bucket to its limit when a call counts against several", async () => {
    const names = ["burst", "daily", "search"] as const;
    const anyNames = fc.subarray([...names], { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(anyLimit, anyLimit, anyLimit),
        fc.array(fc.tuple(anyNames, fc.nat({ max: 500 })), { maxLength: 60 }),
        anyDelays,
        async (limits, calls, delays) => {
          const { context, clock } = limiting();
          const limitOf = (name: (typeof names)[number]) => limits[names.indexOf(name)] ?? limits[0];
          const arrivals = new Map<string, number[]>();
          for (const [asked, pause] of calls) {
            clock.advance(pause);
            const waitMs = await reserve(
              context,
              asked.map((name) => bucket(name, limitOf(name))),
            );
            const thousandths = delays.next().value as number;
            const delayMs = Math.min(...asked.map((name) => delayOf(limitOf(name), thousandths)));
            const at = clock.now().getTime() + waitMs + delayMs;
            for (const name of asked) arrivals.set(name, [...(arrivals.get(name) ?? []), at]);
          }
          for (const name of names) {
            const { calls: most, perMs } = limitOf(name);
            expect(mostInAWindow(arrivals.get(name) ?? [], perMs)).toBeLessThanOrEqual(most);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it("wastes little of what the vendor allows", async () => {
    const { context, clock } = limiting();
    const limit = { calls: 190, perMs: 10_000, delayMs: 500 };
    const minuteMs = 60_000;
    let calls = 0;
    for (let spentMs = 0; spentMs < minuteMs && calls < 10_000; calls += 1) {
      const waitMs = await reserve(context, [bucket("calls", limit)]);
      clock.advance(waitMs);
      spentMs += waitMs;
    }
    const allowed = (limit.calls * minuteMs) / limit.perMs;
    expect(calls).toBeGreaterThan(0.9 * allowed);
    expect(calls).toBeLessThanOrEqual(allowed);
  });

  it("lets a burst go at once after a pause, and no more", async () => {
    const { context, clock } = limiting();
    const limit = { calls: 20, perMs: 1000, burst: 5, delayMs: 0 };
    clock.advance(60_000);
    const waits: number[] = [];
    for (let call = 0; call < 6; call += 1) waits.push(await reserve(context, [bucket("calls", limit)]));
    expect(waits.slice(0, 5)).toEqual([0, 0, 0, 0, 0]);
    expect(waits[5]).toBeGreaterThan(0);
  });

  it("counts accounts and buckets apart", async () => {
    const { context } = limiting();
    const limit = { calls: 1, perMs: 1000 };
    expect(await reserve(context, [bucket("calls", limit, "vendor:1")])).toBe(0);
    expect(await reserve(context, [bucket("calls", limit, "vendor:2")])).toBe(0);
    expect(await reserve(context, [bucket("search", limit, "vendor:1")])).toBe(0);
    expect(await reserve(context, [bucket("calls", limit, "vendor:1")])).toBeGreaterThan(0);
  });

  it("takes from all buckets or, while one makes it wait, at one later instant for all", async () => {
    const { context, clock } = limiting();
    const wide = bucket("wide", { calls: 100, perMs: 1000, delayMs: 0 });
    const narrow = bucket("narrow", { calls: 1, perMs: 10_000, delayMs: 0 });
    expect(await reserve(context, [wide, narrow])).toBe(0);
    const waitMs = await reserve(context, [wide, narrow]);
    expect(waitMs).toBeGreaterThanOrEqual(10_000);
    const rows = await storedRows(context.storage, clock, "limits");
    const wideRow = rows.find((row) => row.bucket.endsWith("/wide"));
    expect((wideRow?.arrival ?? 0) / 1000).toBeGreaterThanOrEqual(clock.now().getTime() + waitMs);
  });

  it("reserves nothing when the wait would be longer than anybody waits", async () => {
    const { context, clock } = limiting();
    const calls = [bucket("calls", { calls: 1, perMs: 10_000, delayMs: 0 })];
    expect(await reserve(context, calls)).toBe(0);
    const waitMs = await reserve(context, calls);
    clock.advance(waitMs);
    for (let ask = 0; ask < 5; ask += 1) {
      const grant = await reserveGrant(context, calls, 100);
      expect(grant.waitMs).toBe(waitMs);
      expect(grant.atMs).toBe(clock.now().getTime() + waitMs);
    }
    clock.advance(waitMs - 100);
    expect((await reserveGrant(context, calls, 100)).waitMs).toBe(100);
    expect(await reserve(context, calls)).toBeGreaterThan(waitMs);
  });

  it("takes one call from a bucket that is named twice", async () => {
    const once = limiting();
    const twice = limiting();
    const calls = bucket("calls", { calls: 10, perMs: 1000, delayMs: 0 });
    for (let call = 0; call < 20; call += 1) {
      expect(await reserve(twice.context, [calls, calls])).toBe(await reserve(once.context, [calls]));
    }
  });
});

describe("pushBack", () => {
  const limit = { calls: 50, perMs: 1000 };

  it("gives nobody a turn of that bucket until the vendor's time is over", async () => {
    const { context, clock } = limiting();
    await pushBack(context, [bucket("calls", limit)], 30_000);
    expect(await reserve(context, [bucket("calls", limit)])).toBe(30_000);
    clock.advance(29_000);
    expect(await reserve(context, [bucket("calls", limit)])).toBeGreaterThanOrEqual(1000);
    expect(await reserve(context, [bucket("search", limit)])).toBe(0);
    clock.advance(60_000);
    expect(await reserve(context, [bucket("calls", limit)])).toBe(0);
  });

  it("is not shortened by a later answer that asks for less", async () => {
    const { context } = limiting();
    await pushBack(context, [bucket("calls", limit)], 30_000);
    await pushBack(context, [bucket("calls", limit)], 1000);
    expect(await reserve(context, [bucket("calls", limit)])).toBe(30_000);
    await pushBack(context, [bucket("calls", limit)], 40_000);
    expect(await reserve(context, [bucket("calls", limit)])).toBeGreaterThanOrEqual(40_000);
  });

  it("does not release at once what has waited: the pace is kept afterwards", async () => {
    await fc.assert(
      fc.asyncProperty(anyLimit, fc.nat({ max: 20_000 }), async (given, pushedMs) => {
        const { context, clock } = limiting();
        const calls = [bucket("calls", given)];
        const arrivals: number[] = [];
        for (let call = 0; call < 20; call += 1) {
          if (call === 7) await pushBack(context, calls, pushedMs);
          const waitMs = await reserve(context, calls);
          expect(waitMs).toBeGreaterThanOrEqual(call < 7 ? 0 : pushedMs);
          arrivals.push(clock.now().getTime() + waitMs);
        }
        expect(mostInAWindow(arrivals, given.perMs)).toBeLessThanOrEqual(given.calls);
      }),
    );
  });
});

describe("paceOf", () => {
  it("is a pace for every limit, however small", () => {
    fc.assert(
      fc.property(anyLimit, (limit) => {
        const { intervalMicros, toleranceMicros } = paceOf(limit);
        expect(Number.isSafeInteger(intervalMicros)).toBe(true);
        expect(intervalMicros).toBeGreaterThan(0);
        expect(toleranceMicros).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});
