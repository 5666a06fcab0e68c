import type { HeedContext } from "../context.ts";
import type { OperationName } from "../contract/operation.ts";
import type { CallContext, ProcessorV1 } from "../contract/processor.ts";
import { RateLimitedError } from "../errors/rate-limited-error.ts";
import { UnavailableError } from "../errors/unavailable-error.ts";
import type { Lease } from "./lease.ts";
import type { Bucket } from "./limiter.ts";
import type { TimeLimit } from "./time-limit.ts";

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
  /** Whose turns these are: see `lanes.ts`. */
  readonly lane: number;
  /** What the question goes together with, if anything. */
  readonly moment?: object;
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
 * What one question is lent. Waiting for a turn does not count against its time limit, and with each turn that limit
 * begins anew: a large batch of slow calls takes long, and is no processor that hangs.
 * @param lease of the steps that it is about; a check and a preview have none
 */
export function lend(
  { context, processor, question, leaseMs, lane, moment }: Lender,
  turns: Turns,
  { signal, whileWaiting, getsOn }: TimeLimit,
  lease?: Lease,
): CallContext {
  const about = { processor: processor.name, operation: question };
  return {
    ...(moment === undefined ? {} : { moment }),
    signal,
    now: () => context.clock.now(),
    async turn(...names) {
      signal.throwIfAborted();
      const buckets = bucketsOf(processor, names);
      for (const name of names) turns.buckets.add(name);
      // Before the first call nothing is lost by coming back later.
      const mostMs = turns.granted === 0 ? leaseMs : leaseMs * longestWaitLeases;
      // A longer wait is covered as well: the lease is kept while its question goes on.
      await lease?.cover();
      const answer = await whileWaiting(() => context.turns.wait({ buckets, lane, mostMs, signal }));
      signal.throwIfAborted();
      if (answer === "granted") {
        // A process that stood still while it waited finds out before it calls.
        await lease?.cover();
        signal.throwIfAborted();
        getsOn();
        turns.granted += 1;
        turns.nextInMs = undefined;
        return;
      }
      if (answer === "too-slow")
        throw new UnavailableError("This process is too slow to use its turns in time.", about);
      const { nextInMs } = answer;
      turns.nextInMs = nextInMs;
      throw new RateLimitedError(`The next turn at "${processor.name}" is in ${nextInMs} ms.`, {
        ...about,
        retryAfterMs: nextInMs,
      });
    },
    async proceed() {
      signal.throwIfAborted();
      await lease?.cover();
      signal.throwIfAborted();
      getsOn();
    },
    async observed(name, seen) {
      for (const bucket of bucketsOf(processor, [name])) await context.turns.observed(bucket, seen);
    },
  };
}
