import type { HeedContext } from "../context.ts";
import type { Limit } from "../contract/processor.ts";
import type { Decision, Write } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";

const microsPerMs = 1000;
const defaultBurst = 4;
const defaultDelayMs = 500;

/** One bucket of one vendor account. */
export interface Bucket {
  readonly account: string;
  readonly name: string;
  readonly limit: Limit;
}

/** A limit as GCRA uses it, in microseconds. */
interface Pace {
  readonly intervalMicros: number;
  readonly toleranceMicros: number;
}

/**
 * The generic cell rate algorithm (ITU-T I.371), at rate `(L − b − 1) / (W + d)`: for `L` calls per window
 * `W`, burst `b` and at most `d` between a grant and the call's arrival, no window of length `W` then holds
 * more than `L`.
 */
export function paceOf(limit: Limit): Pace {
  const burst = Math.max(1, Math.min(limit.burst ?? defaultBurst, limit.calls - 2));
  const perWindow = Math.max(1, limit.calls - burst - 1);
  const windowMs = limit.perMs + delayOf(limit);
  const intervalMicros = Math.ceil((windowMs * microsPerMs) / perWindow);
  return { intervalMicros, toleranceMicros: (burst - 1) * intervalMicros };
}

/** Longest delay between a grant and the call's arrival, in milliseconds. */
export const delayOf = (limit: Limit): number => limit.delayMs ?? defaultDelayMs;

/** The earliest instant at which every bucket grants a call, and the arrivals to store for it. */
function grant(
  buckets: readonly { readonly pace: Pace; readonly arrival: number; readonly pushedBackUntil: number }[],
  nowMicros: number,
): { readonly atMicros: number; readonly arrivals: readonly number[] } {
  const atMicros = Math.max(
    nowMicros,
    ...buckets.map(({ pace, arrival, pushedBackUntil }) =>
      Math.max(arrival - pace.toleranceMicros, pushedBackUntil),
    ),
  );
  return {
    atMicros,
    arrivals: buckets.map(({ pace, arrival }) => Math.max(arrival, atMicros) + pace.intervalMicros),
  };
}

const keyOf = (bucket: { account: string; name: string }) => `${bucket.account}/${bucket.name}`;

/** Leave for one call, at a moment: used later than the buckets' delay after it, it is void. */
export interface Grant {
  /** Milliseconds since 1970. */
  readonly atMs: number;
  /** Milliseconds from now. */
  readonly waitMs: number;
}

/**
 * Reserves one call in all buckets together, in a transaction of its own, and says when it may go.
 * @param mostMs the longest wait: when it would be longer, nothing is reserved
 */
export async function reserve(
  context: HeedContext,
  buckets: readonly Bucket[],
  mostMs: number = Number.POSITIVE_INFINITY,
): Promise<Grant> {
  const keys = buckets.map(keyOf);
  return context.storage.transact({
    lock: limitLocks(keys),
    clock: context.clock,
    read: { limits: { from: "limits", where: { bucket: keys } } },
    decide: ({ limits }, now): Decision<Grant> => {
      const nowMicros = Date.parse(now) * microsPerMs;
      const states = buckets.map((bucket) => {
        const row = limits.find((each) => each.bucket === keyOf(bucket));
        return {
          pace: paceOf(bucket.limit),
          arrival: row?.arrival ?? 0,
          pushedBackUntil: row?.pushedBackUntil ?? 0,
        };
      });
      const { atMicros, arrivals } = grant(states, nowMicros);
      const waitMs = Math.ceil((atMicros - nowMicros) / microsPerMs);
      return {
        writes:
          waitMs > mostMs
            ? []
            : keys.flatMap((bucket, index) => limitWrites(bucket, { arrival: arrivals[index] ?? atMicros })),
        answer: { atMs: Date.parse(now) + waitMs, waitMs },
      };
    },
  });
}

/** The vendor asked to slow down: nobody gets a turn of these buckets until then. */
export async function pushBack(
  context: HeedContext,
  buckets: readonly Bucket[],
  delayMs: number,
): Promise<void> {
  const keys = buckets.map(keyOf);
  await context.storage.transact({
    lock: limitLocks(keys),
    clock: context.clock,
    read: { limits: { from: "limits", where: { bucket: keys } } },
    decide: ({ limits }, now): Decision<void> => {
      const until = (Date.parse(now) + delayMs) * microsPerMs;
      const later = keys.filter(
        (key) => (limits.find((row) => row.bucket === key)?.pushedBackUntil ?? 0) < until,
      );
      return {
        writes: later.flatMap((bucket) => limitWrites(bucket, { pushedBackUntil: until })),
        answer: undefined,
      };
    },
  });
}

function limitLocks(keys: readonly string[]): readonly string[] {
  return [...new Set(keys)].toSorted().map((key) => `limit:${key}`);
}

function limitWrites(bucket: string, set: Partial<Row<"limits">>): readonly Write[] {
  return [
    { insert: "limits", row: { bucket, arrival: 0, pushedBackUntil: 0 }, orKeep: true },
    { update: "limits", where: { bucket }, set },
  ];
}
