import type { Clock } from "../contract/clock.ts";
import type { Limit, Observed } from "../contract/processor.ts";
import type { Decision, HeedStorage, Write } from "../contract/storage.ts";
import { bookSlots, currentState, untouched, type BookedSlot, type BucketState } from "./book-slots.ts";
import { isDaily, paceOf } from "./pace.ts";

const microsPerMs = 1000;

/** One bucket of one vendor account. */
export interface Bucket {
  readonly account: string;
  readonly name: string;
  readonly limit: Limit;
}

/** Where limits are kept, and by whose time. */
export interface Limiting {
  readonly storage: HeedStorage;
  readonly clock: Clock;
}

/** The buckets that a call counts against, each once, and whose calls they are. */
export interface TurnsFor {
  readonly buckets: readonly Bucket[];
  readonly lane: number;
}

/** Leave for one call, at a moment. */
export interface Slot extends BookedSlot {
  /** Milliseconds since 1970. */
  readonly atMs: number;
}

/** What a transaction of the limiter answers. */
export interface Taken {
  readonly slots: readonly Slot[];
  /** The storage's time, in milliseconds since 1970, as are the others. */
  readonly nowMs: number;
  /** A slot before this moment is void: the vendor asked to slow down. */
  readonly pushedBackUntilMs: number;
  /** When fewer were given than wanted: the moment of the next slot as things are, and when to ask again. */
  readonly next?: { readonly atMs: number; readonly askAgainMs: number };
}

export const keyOf = (bucket: Bucket): string => `${bucket.account}/${bucket.name}`;

/**
 * Reserves up to `wanted` calls in all buckets together, in one transaction, each for a moment of its own. With
 * none wanted it only looks. What a process reserves and does not use is lost, unless it is given back.
 */
export async function take(limiting: Limiting, { buckets, lane }: TurnsFor, wanted: number): Promise<Taken> {
  return changeLimits(limiting, buckets, (states, nowMs): Decided<Taken> => {
    const asked = buckets.map(({ limit }, index) => ({ limit, state: states[index] ?? untouched }));
    const booking = bookSlots({ buckets: asked, lane, wanted, nowMicros: nowMs * microsPerMs });
    const { slots, next } = booking;
    const isAsBefore = booking.states.every(
      (state, index) =>
        isSame(state, states[index]) && state.pushedBackUntil === states[index]?.pushedBackUntil,
    );
    return {
      states: isAsBefore ? undefined : booking.states,
      answer: {
        slots: slots.map((slot) => ({ ...slot, atMs: Math.ceil(slot.atMicros / microsPerMs) })),
        nowMs,
        pushedBackUntilMs: Math.max(...booking.states.map((state) => state.pushedBackUntil)) / microsPerMs,
        ...(next === undefined
          ? {}
          : {
              next: {
                atMs: Math.ceil(next.atMicros / microsPerMs),
                askAgainMs: Math.ceil(next.askAgainMicros / microsPerMs),
              },
            }),
      },
    };
  });
}

/** Gives slots back that will not be used: exactly those after which nobody has taken any. */
export async function giveBack(
  limiting: Limiting,
  { buckets }: TurnsFor,
  unused: readonly Slot[],
): Promise<void> {
  await changeLimits(limiting, buckets, (stored): Decided<void> => {
    let states = stored;
    for (const { before, after } of unused.toReversed()) {
      const isLast = states.every((state, index) => isSame(state, after[index]));
      if (!isLast) break;
      states = states.map((state, index) => ({
        ...(before[index] ?? state),
        pushedBackUntil: state.pushedBackUntil,
      }));
    }
    return { states: states === stored ? undefined : states, answer: undefined };
  });
}

function isSame(state: BucketState, other: BucketState | undefined): boolean {
  return (["arrival", "arrival1", "arrival2", "used", "usedUntil"] as const).every(
    (column) => state[column] === other?.[column],
  );
}

/** The vendor asked to slow down: nobody gets a turn of these buckets until then. */
export async function pushBack(
  limiting: Limiting,
  buckets: readonly Bucket[],
  delayMs: number,
): Promise<void> {
  await changeLimits(limiting, buckets, (states, nowMs): Decided<void> => {
    const until = Math.ceil((nowMs + delayMs) * microsPerMs);
    return {
      states: states.map((state) => ({ ...state, pushedBackUntil: Math.max(state.pushedBackUntil, until) })),
      answer: undefined,
    };
  });
}

/** How many calls must remain before the vendor's word slows anything down. */
export function remainingEnough(limit: Limit): number {
  if (isDaily(limit)) return Number.POSITIVE_INFINITY;
  const { intervalMicros, toleranceMicros } = paceOf(limit);
  return toleranceMicros / intervalMicros + 2;
}

/**
 * Corrects a bucket by what its vendor said, and only ever towards slower.
 *
 * heed's own pace leaves a window `burst + 1` calls. When fewer remain, others call too, and the next turn comes
 * so many intervals later as are missing. Of a daily quota, what does not remain has been used.
 */
export async function observe(
  limiting: Limiting,
  bucket: Bucket,
  { remaining, resetInMs }: Observed,
): Promise<void> {
  const { limit } = bucket;
  await changeLimits(limiting, [bucket], ([stored = untouched], nowMs): Decided<void> => {
    const nowMicros = nowMs * microsPerMs;
    const state = currentState(limit, stored, nowMicros);
    const pushedBackUntil =
      remaining <= 0 && resetInMs !== undefined
        ? Math.max(state.pushedBackUntil, Math.ceil((nowMs + resetInMs) * microsPerMs))
        : state.pushedBackUntil;
    if (isDaily(limit)) {
      const used = Math.max(state.used, Math.floor(limit.calls - remaining));
      return { states: [{ ...state, pushedBackUntil, used }], answer: undefined };
    }
    const { intervalMicros, toleranceMicros } = paceOf(limit);
    const missing = Math.max(0, remainingEnough(limit) - Math.max(0, remaining));
    const slower = nowMicros + toleranceMicros + Math.ceil(missing * intervalMicros);
    const arrival = missing === 0 ? state.arrival : Math.max(state.arrival, slower);
    return { states: [{ ...state, pushedBackUntil, arrival }], answer: undefined };
  });
}

interface Decided<A> {
  /** New states, in the order of the buckets; undefined leaves everything as it is. */
  readonly states: readonly BucketState[] | undefined;
  readonly answer: A;
}

async function changeLimits<A>(
  { storage, clock }: Limiting,
  buckets: readonly Bucket[],
  decide: (states: readonly BucketState[], nowMs: number) => Decided<A>,
): Promise<A> {
  const keys = buckets.map(keyOf);
  return storage.transact({
    lock: keys.toSorted().map((key) => `limit:${key}`),
    clock,
    read: { limits: { from: "limits", where: { bucket: keys } } },
    decide: ({ limits }, now): Decision<A> => {
      const stored = keys.map((key) => limits.find((row) => row.bucket === key));
      const { states, answer } = decide(
        stored.map((row) => row ?? untouched),
        Date.parse(now),
      );
      return { writes: (states ?? []).flatMap((state, index) => write(keys[index] ?? "", state)), answer };
    },
  });
}

function write(
  bucket: string,
  { arrival, arrival1, arrival2, pushedBackUntil, used, usedUntil }: BucketState,
): readonly Write[] {
  const set = { arrival, arrival1, arrival2, pushedBackUntil, used, usedUntil };
  return [
    { insert: "limits", row: { bucket, ...set }, orKeep: true },
    { update: "limits", where: { bucket }, set },
  ];
}
