import type { HeedContext } from "../context.ts";
import type { OperationName } from "../contract/operation.ts";
import type { CallContext, ProcessorV1 } from "../contract/processor.ts";
import { RateLimitedError } from "../errors/rate-limited-error.ts";
import { UnavailableError } from "../errors/unavailable-error.ts";
import type { Lease } from "./lease.ts";
import { delayOf, reserve, type Bucket } from "./limiter.ts";
import type { TimeLimit } from "./time-limit.ts";

/** How often a grant may come too late before the process counts as too slow to keep the limit. */
const mostLateGrants = 5;
/** How many leases long a question that has begun waits for its next turn. */
const longestWaitLeases = 10;

/** What one question has had of its processor's turns. */
export interface Turns {
  readonly buckets: Set<string>;
  granted: number;
  /** In how many milliseconds the next turn comes, when that was too long to wait for. */
  nextInMs: number | undefined;
}

export const noTurns = (): Turns => ({ buckets: new Set(), granted: 0, nextInMs: undefined });

/** Who lends, to whom, and for what. */
export interface Lender {
  readonly context: HeedContext;
  readonly processor: ProcessorV1;
  readonly question: OperationName | "check";
  readonly leaseMs: number;
}

export function bucketsOf(processor: ProcessorV1, names: readonly string[]): readonly Bucket[] {
  return names.map((name): Bucket => {
    const limit = processor.limits[name];
    if (limit === undefined)
      throw new TypeError(`The processor "${processor.name}" declares no bucket "${name}".`);
    return { account: `${processor.name}:${processor.account}`, name, limit };
  });
}

/**
 * What one question is lent. Waiting for a turn does not count against its time limit.
 * @param lease of the steps that it is about; a check and a preview have none
 */
export function lend(
  { context, processor, question, leaseMs }: Lender,
  turns: Turns,
  { signal, pauseUntil }: TimeLimit,
  lease?: Lease,
): CallContext {
  const { clock } = context;
  const about = { processor: processor.name, operation: question };
  return {
    signal,
    now: () => clock.now(),
    async turn(...names) {
      signal.throwIfAborted();
      const buckets = bucketsOf(processor, names);
      for (const name of names) turns.buckets.add(name);
      // Before the first call nothing is lost by coming back later.
      const mostMs = turns.granted === 0 ? leaseMs : leaseMs * longestWaitLeases;
      for (let late = 0; late < mostLateGrants; late += 1) {
        const { atMs, waitMs } = await reserve(context, buckets, mostMs);
        if (waitMs > mostMs) {
          turns.nextInMs = waitMs;
          throw new RateLimitedError(`The next turn at "${processor.name}" is in ${waitMs} ms.`, {
            ...about,
            retryAfterMs: waitMs,
          });
        }
        await lease?.cover(waitMs);
        if (waitMs > 0) {
          pauseUntil(atMs);
          await clock.sleep(Math.max(0, atMs - clock.now().getTime()), signal);
        }
        signal.throwIfAborted();
        if (!isTooLate(buckets, clock.now().getTime() - atMs)) {
          turns.granted += 1;
          turns.nextInMs = undefined;
          return;
        }
      }
      throw new UnavailableError("This process is too slow to use its turns in time.", about);
    },
  };
}

/** A bucket that declares no delay at all is of a vendor that does not mind. */
function isTooLate(buckets: readonly Bucket[], lateMs: number): boolean {
  return buckets.some(({ limit }) => delayOf(limit) > 0 && lateMs > delayOf(limit));
}
