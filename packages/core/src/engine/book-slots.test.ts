import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anyDelays, anyDelayOf, anyWindowLimit, mostInAWindow } from "../../test/limits.ts";
import type { DailyLimit, Limit, WindowLimit } from "../contract/processor.ts";
import { bookSlots, untouched, type BucketState, type Booking } from "./book-slots.ts";
import { paceOf } from "./pace.ts";

const startMs = Date.parse("2026-01-15T12:00:00.000Z");

/** A bucket as a storage keeps it, and whoever takes from it. */
class Shelf {
  readonly limits: readonly Limit[];
  states: BucketState[];

  constructor(...limits: readonly Limit[]) {
    this.limits = limits;
    this.states = limits.map(() => untouched);
  }

  take(nowMs: number, lane: number, wanted: number, of = this.limits.map((_, index) => index)): Booking {
    const buckets = of.map((index) => ({ limit: this.limits[index]!, state: this.states[index]! }));
    const booking = bookSlots({ buckets, lane, wanted, nowMicros: nowMs * 1000 });
    for (const [at, index] of of.entries()) this.states[index] = booking.states[at]!;
    return booking;
  }

  /** Takes for as long as given, in every lane that wants, each again when it was told to. */
  saturate(untilMs: number, lanes: readonly number[], wanted = 20, fromMs = startMs): number[][] {
    const taken: number[][] = [[], [], []];
    const askAt = new Map(lanes.map((lane) => [lane, fromMs]));
    for (;;) {
      const [lane, nowMs] = [...askAt].toSorted(([, one], [, other]) => one - other)[0] ?? [0, untilMs];
      if (nowMs >= untilMs) return taken;
      const { slots, next } = this.take(nowMs, lane, wanted);
      taken[lane]?.push(...slots.map(({ atMicros }) => atMicros / 1000));
      askAt.set(lane, next === undefined ? nowMs : next.askAgainMicros / 1000);
    }
  }
}

const anyTakes = fc.array(
  fc.record({
    pauseMs: fc.oneof(fc.constant(0), fc.nat({ max: 50 }), fc.nat({ max: 12_000 })),
    lane: fc.nat({ max: 2 }),
    wanted: fc.integer({ min: 1, max: 12 }),
  }),
  { minLength: 1, maxLength: 60 },
);

describe("bookSlots", () => {
  it.each([
    ["a window", { calls: 100, perMs: 10_000 }],
    ["a day", { calls: 100, perDay: { zone: "UTC" } }],
  ] as const)("lets nobody push %s back for longer than a day from when it is seen", (_, limit) => {
    const shelf = new Shelf(limit);
    // Written before the clock was put back, or by a vendor's mistake.
    shelf.states = [{ ...untouched, pushedBackUntil: (startMs + 400 * 86_400_000) * 1000 }];
    const longestMs = 25 * 3_600_000;
    const momentMs = (nowMs: number) => {
      const { slots, next } = shelf.take(nowMs, 0, 1);
      return ((slots[0] ?? next)?.atMicros ?? 0) / 1000;
    };
    expect(momentMs(startMs)).toBe(startMs + longestMs);
    // It does not move on as time goes by.
    expect(momentMs(startMs + longestMs / 2)).toBe(startMs + longestMs);
  });

  it("never lets more calls arrive in a window than the vendor allows, however late each arrives", () => {
    fc.assert(
      fc.property(anyWindowLimit, anyTakes, anyDelays, (limit, takes, delays) => {
        const shelf = new Shelf(limit);
        const arrivals: number[] = [];
        let nowMs = startMs;
        for (const { pauseMs, lane, wanted } of takes) {
          nowMs += pauseMs;
          for (const { atMicros } of shelf.take(nowMs, lane, wanted).slots) {
            expect(atMicros).toBeGreaterThanOrEqual(nowMs * 1000);
            arrivals.push(atMicros / 1000 + anyDelayOf(limit, delays));
          }
        }
        expect(arrivals.length).toBeGreaterThan(0);
        expect(mostInAWindow(arrivals, limit.perMs)).toBeLessThanOrEqual(limit.calls);
      }),
      { numRuns: 500 },
    );
  });

  it("holds every bucket to its limit when a call counts against several", () => {
    const anySets = fc.infiniteStream(fc.subarray([0, 1, 2], { minLength: 1 }));
    fc.assert(
      fc.property(
        fc.tuple(anyWindowLimit, anyWindowLimit, anyWindowLimit),
        anyTakes,
        anySets,
        anyDelays,
        (limits, takes, sets, delays) => {
          const shelf = new Shelf(...limits);
          const arrivals: number[][] = [[], [], []];
          let nowMs = startMs;
          for (const { pauseMs, lane, wanted } of takes) {
            nowMs += pauseMs;
            const of = sets.next().value as number[];
            for (const { atMicros } of shelf.take(nowMs, lane, wanted, of).slots) {
              const delay = delays.next().value as number;
              const late = Math.min(...of.map((index) => ((limits[index]?.delayMs ?? 500) * delay) / 1000));
              for (const index of of) arrivals[index]?.push(atMicros / 1000 + late);
            }
          }
          for (const [index, limit] of limits.entries())
            expect(mostInAWindow(arrivals[index] ?? [], limit.perMs)).toBeLessThanOrEqual(limit.calls);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("takes from all buckets at one moment, or from none", () => {
    const shelf = new Shelf({ calls: 100, perMs: 1000, delayMs: 0 }, { calls: 1, perMs: 10_000, delayMs: 0 });
    expect(shelf.take(startMs, 0, 2).slots).toHaveLength(1);
    shelf.take(startMs + 10, 0, 1);
    const before = [...shelf.states];
    expect(shelf.take(startMs + 10, 0, 1)).toMatchObject({
      slots: [],
      next: { atMicros: (startMs + 10_000) * 1000 },
    });
    expect(shelf.states).toEqual(before);
    expect(shelf.take(startMs + 10_000, 0, 1).slots[0]?.atMicros).toBe((startMs + 10_000) * 1000);
    expect(shelf.states[0]?.arrival).toBeGreaterThan((startMs + 10_000) * 1000);
  });

  it("leaves a bucket to others for as long as a call waits for another one", () => {
    const perSecond = (calls: number) => ({ calls, perMs: 1000, burst: 1, delayMs: 0 });
    // All of an account's calls, and those of two of its endpoints.
    const shelf = new Shelf(perSecond(102), perSecond(12), perSecond(52));
    const first = shelf.take(startMs, 1, 20, [0, 1]);
    expect(first.slots.map(({ atMicros }) => atMicros / 1000 - startMs)).toEqual([0]);
    expect(first.next).toEqual({ atMicros: (startMs + 100) * 1000, askAgainMicros: (startMs + 90) * 1000 });
    const [other] = shelf.take(startMs, 1, 20, [0, 2]).slots;
    expect((other?.atMicros ?? 0) / 1000 - startMs).toBe(10);
    // And it has its turn when the other bucket has room.
    expect(shelf.take(startMs + 100, 1, 20, [0, 1]).slots).toHaveLength(1);
  });

  it("lets calls of many endpoints use up the limit of their account", () => {
    const shelf = new Shelf(
      { calls: 100, perMs: 1000, burst: 1, delayMs: 0 },
      ...Array.from({ length: 8 }, () => ({ calls: 25, perMs: 1000, burst: 1, delayMs: 0 })),
    );
    const askAt = Array.from({ length: 8 }, () => startMs);
    const taken: number[] = [];
    for (let nowMs = startMs; nowMs < startMs + 10_000; nowMs += 1) {
      for (const [endpoint, dueMs] of askAt.entries()) {
        if (nowMs < dueMs) continue;
        const { slots, next } = shelf.take(nowMs, 1, 10, [0, endpoint + 1]);
        for (const { atMicros } of slots) taken.push(atMicros / 1000);
        askAt[endpoint] = Math.max(nowMs + 1, Math.ceil((next?.askAgainMicros ?? 0) / 1000));
      }
    }
    expect(taken.filter((atMs) => atMs < startMs + 10_000).length / 1000).toBeGreaterThan(0.95);
  });

  it("lets a burst go at once after a pause, and no more", () => {
    const shelf = new Shelf({ calls: 20, perMs: 1000, burst: 5, delayMs: 0 });
    const waits = shelf.take(startMs, 0, 6).slots.map(({ atMicros }) => atMicros / 1000 - startMs);
    expect(waits.slice(0, 5)).toEqual([0, 0, 0, 0, 0]);
    expect(waits[5]).toBeGreaterThan(0);
  });

  it("keeps a backlog, in whichever lane, within a second", () => {
    for (const lane of [0, 1, 2]) {
      const shelf = new Shelf({ calls: 190, perMs: 10_000 });
      const { slots } = shelf.take(startMs, lane, 10_000);
      expect(slots.length).toBeGreaterThan(4);
      expect(slots.at(-1)?.atMicros).toBeLessThanOrEqual((startMs + 1000) * 1000);
    }
  });

  it.each([
    [{ calls: 190, perMs: 10_000, burst: 4, delayMs: 50 }, 0.95],
    [{ calls: 100, perMs: 1000, burst: 4, delayMs: 50 }, 0.9],
  ])("wastes little of %j, whichever lane is alone", (limit, atLeast) => {
    for (const lane of [0, 1, 2]) {
      const taken = new Shelf(limit).saturate(startMs + 60_000, [lane])[lane] ?? [];
      const inAMinute = taken.filter((at) => at < startMs + 60_000).length;
      expect(inAMinute / ((limit.calls * 60_000) / limit.perMs)).toBeGreaterThanOrEqual(atLeast);
    }
  });
});

describe("lanes", () => {
  const anySaturated = fc.record({
    calls: fc.integer({ min: 4, max: 500 }),
    perMs: fc.integer({ min: 100, max: 10_000 }),
    burst: fc.integer({ min: 1, max: 4 }),
    delayMs: fc.integer({ min: 0, max: 500 }),
  });

  it("each get their share while all of them ask for more than there is", () => {
    fc.assert(
      fc.property(anySaturated, fc.integer({ min: 1, max: 50 }), (limit, wanted) => {
        const { intervalMicros } = paceOf(limit);
        const spanMs = (intervalMicros / 1000) * 400 + 10_000;
        const taken = new Shelf(limit).saturate(startMs + spanMs, [0, 1, 2], wanted);
        const all = taken.flat().length;
        expect(all).toBeGreaterThan(300);
        for (const [lane, share] of [5 / 8, 1 / 4, 1 / 8].entries())
          expect(taken[lane]?.length ?? 0, `lane ${lane}`).toBeGreaterThanOrEqual(share * all * 0.97 - 3);
      }),
      { numRuns: 60 },
    );
  });

  it("let an opt-out go within a second and five intervals, whatever waits in the others", () => {
    fc.assert(
      fc.property(
        anySaturated,
        fc.subarray([1, 2]),
        fc.integer({ min: 1, max: 200 }),
        fc.nat({ max: 1000 }),
        (limit, busy, wanted, thousandths) => {
          const shelf = new Shelf(limit);
          const intervalMs = paceOf(limit).intervalMicros / 1000;
          const comesMs = Math.floor(startMs + (intervalMs * 40 + 3000) * (thousandths / 1000));
          const askAt = new Map(busy.map((lane) => [lane, startMs]));
          // The others go on asking while it waits, and are the first to ask at each moment.
          let optOutAt = comesMs;
          let goesMs = Number.NaN;
          while (Number.isNaN(goesMs)) {
            const [lane, nowMs] = [...askAt].toSorted(([, one], [, other]) => one - other)[0] ?? [
              0,
              Infinity,
            ];
            if (nowMs <= optOutAt) {
              const { next } = shelf.take(nowMs, lane, wanted);
              askAt.set(lane, next === undefined ? nowMs : next.askAgainMicros / 1000);
              continue;
            }
            const { slots, next } = shelf.take(optOutAt, 0, 1);
            goesMs = (slots[0]?.atMicros ?? Number.NaN) / 1000;
            optOutAt = (next?.askAgainMicros ?? 0) / 1000;
          }
          expect(goesMs - comesMs).toBeLessThanOrEqual(1000 + 5 * intervalMs);
        },
      ),
      { numRuns: 400 },
    );
  });

  it("let an opt-out go as soon where a call waits for a slower bucket than the account's", () => {
    const account = { calls: 100, perMs: 1000, burst: 1, delayMs: 0 };
    const endpoint = { calls: 5, perMs: 1000, burst: 1, delayMs: 0 };
    for (const workers of [1, 2, 5]) {
      const shelf = new Shelf(account, endpoint);
      const others = Array.from({ length: 2 * workers }, (_, at) => ({
        lane: 1 + (at % 2),
        askAtMs: startMs,
      }));
      let optOutAt = startMs + 1500;
      let goesMs = Number.NaN;
      const comesMs = optOutAt;
      while (Number.isNaN(goesMs) && optOutAt < startMs + 60_000) {
        const [first] = others.toSorted((one, other) => one.askAtMs - other.askAtMs);
        if (first !== undefined && first.askAtMs <= optOutAt) {
          const { next } = shelf.take(first.askAtMs, first.lane, 5);
          first.askAtMs = (next?.askAgainMicros ?? first.askAtMs * 1000 + 1000) / 1000;
          continue;
        }
        const { slots, next } = shelf.take(optOutAt, 0, 1);
        goesMs = (slots[0]?.atMicros ?? Number.NaN) / 1000;
        optOutAt = (next?.askAgainMicros ?? 0) / 1000;
      }
      expect(goesMs - comesMs, `${workers} of each lane`).toBeLessThanOrEqual(1000 + 5 * 200 * 1.1);
    }
  });

  it("leave to the others what one does not want", () => {
    const limit = { calls: 100, perMs: 1000, delayMs: 50 };
    const alone = new Shelf(limit).saturate(startMs + 20_000, [2]).flat().length;
    const both = new Shelf(limit).saturate(startMs + 20_000, [0, 2]);
    expect(both.flat().length).toBeGreaterThanOrEqual(alone - 100);
    expect(both[0]?.length).toBeGreaterThan(0.8 * alone);
  });
});

describe("a daily quota", () => {
  const limit: DailyLimit = { calls: 160, perDay: { zone: "Europe/Stockholm" } };
  const midnightMs = Date.parse("2026-01-15T23:00:00.000Z");

  it("ends with the vendor's day, and not within a second of midnight", () => {
    const shelf = new Shelf(limit);
    expect(shelf.take(startMs, 0, 500).slots).toHaveLength(160);
    expect(shelf.take(startMs, 0, 1).next).toEqual({
      atMicros: (midnightMs + 1000) * 1000,
      askAgainMicros: (midnightMs + 1000) * 1000,
    });
    expect(shelf.take(midnightMs + 999, 0, 1).slots).toEqual([]);
    expect(shelf.take(midnightMs + 1000, 0, 500).slots).toHaveLength(160);
    const idle = new Shelf(limit);
    idle.take(startMs, 0, 1);
    expect(idle.take(midnightMs - 1001, 0, 1).slots).toHaveLength(1);
    expect(idle.take(midnightMs - 1000, 0, 1).slots).toEqual([]);
  });

  it("keeps the last of the day for requests, and the very last for opt-outs", () => {
    const shelf = new Shelf(limit);
    expect([2, 1, 0].map((lane) => shelf.take(startMs, lane, 500).slots.length)).toEqual([140, 10, 10]);
    expect(new Shelf({ ...limit, calls: 1 }).take(startMs, 2, 5).slots).toHaveLength(1);
  });

  it("counts with the window that the same calls count against", () => {
    const window: WindowLimit = { calls: 10, perMs: 1000, delayMs: 100 };
    const shelf = new Shelf(window, limit);
    const taken = shelf.saturate(midnightMs + 120_000, [0]).flat();
    const before = taken.filter((at) => at < midnightMs);
    expect(before).toHaveLength(160);
    expect(taken.length).toBe(320);
    expect(Math.min(...taken.filter((at) => at >= midnightMs))).toBeGreaterThanOrEqual(midnightMs + 1000);
    expect(mostInAWindow(taken, window.perMs)).toBeLessThanOrEqual(window.calls);
  });

  it("is the same day after the clock was put back, however far", () => {
    const shelf = new Shelf(limit);
    shelf.take(startMs, 0, 500);
    const earlierMs = startMs - 5 * 86_400_000;
    expect(shelf.take(earlierMs, 0, 1).next?.atMicros).toBe((midnightMs - 5 * 86_400_000 + 1000) * 1000);
  });
});

describe("a clock that is put back", () => {
  it("stops nobody for longer than twice what may be reserved", () => {
    fc.assert(
      fc.property(
        anyWindowLimit,
        fc.integer({ min: 1, max: 10 ** 10 }),
        fc.nat({ max: 2 }),
        (limit, backMs, lane) => {
          const shelf = new Shelf(limit);
          shelf.take(startMs, 0, 1000);
          shelf.take(startMs, 1, 1000);
          const nowMs = startMs - backMs;
          const { slots, next } = shelf.take(nowMs, lane, 1);
          const { intervalMicros } = paceOf(limit);
          const atMicros = slots[0]?.atMicros ?? next?.atMicros ?? Infinity;
          expect(atMicros - nowMs * 1000).toBeLessThanOrEqual(3_000_000 + 17 * intervalMicros);
        },
      ),
    );
  });
});

describe("a clock that is put back by less than somebody may rest", () => {
  it("puts nobody between slots that are reserved", () => {
    fc.assert(
      fc.property(
        anyWindowLimit,
        fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
        fc.nat({ max: 2 }),
        (limit, part, lane) => {
          const shelf = new Shelf(limit);
          const reserved = [0, 1, 2].flatMap((each) => shelf.take(startMs, each, 1000).slots);
          const last = Math.max(...reserved.map(({ atMicros }) => atMicros));
          const restMs = Math.floor((last / 1000 - startMs) * part);
          const { slots, next } = shelf.take(startMs - restMs, lane, 1);
          const atMicros = slots[0]?.atMicros ?? next?.atMicros ?? Infinity;
          expect(atMicros).toBeGreaterThanOrEqual(last + paceOf(limit).intervalMicros);
        },
      ),
    );
  });
});

describe("paceOf", () => {
  it("is a pace for every limit, however small", () => {
    fc.assert(
      fc.property(anyWindowLimit, (limit) => {
        const { intervalMicros, toleranceMicros } = paceOf(limit);
        expect(Number.isSafeInteger(intervalMicros)).toBe(true);
        expect(intervalMicros).toBeGreaterThan(0);
        expect(toleranceMicros).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});
