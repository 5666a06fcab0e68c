import type { HeedContext } from "../context.ts";
import type { ProcessorV1 } from "../contract/processor.ts";
import type { Decision, Write } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";

/**
 * The circuit breaker of a vendor account. After some batches in a row that failed as a whole because the vendor
 * gave no usable answer, nothing is asked of it for a while; then one batch goes as a probe. An answer, whatever
 * it says, closes the breaker; silence opens it for twice as long. Its state lies in the storage, so that every
 * worker obeys.
 */
type Breaker = Row<"breakers">;

const firstPauseMs = 30_000;
const longestPauseMs = 15 * 60_000;

/** How long an account is left alone, in milliseconds: doubling from 30 seconds to 15 minutes. */
function pauseMs(opens: number): number {
  return Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(opens, 20));
}

/**
 * Whether an account is left alone until then. What lies further ahead than any pause was written before the clock
 * stepped back, and is void: a probe is due.
 *
 * @param probeMs how long a probe may take
 */
export function isLeftAlone(until: string, now: string, probeMs: number = longestPauseMs): boolean {
  const aheadMs = Date.parse(until) - Date.parse(now);
  return aheadMs > 0 && aheadMs <= Math.max(longestPauseMs, probeMs);
}

/** Limits and breakers belong to the vendor account, not to the processor. */
export const accountOf = (processor: ProcessorV1): string => `${processor.name}:${processor.account}`;

/** What a batch showed of the account: it answered, it gave no usable answer, or neither can be said. */
export type Health = "answered" | "unavailable" | "unknown";

const lockOf = (account: string) => [`breaker:${account}`];
const readOf = (account: string) => ({ breakers: { from: "breakers", where: { account } } }) as const;

/** What a worker may do at an account: anything, send one batch as a probe, or nothing. */
export type Leave = "closed" | "probe" | "blocked";

/** Asks for the leave to send one batch as a probe: nobody else gets it for `probeMs` milliseconds. */
export async function takeProbe(context: HeedContext, account: string, probeMs: number): Promise<Leave> {
  return context.storage.transact({
    lock: lockOf(account),
    clock: context.clock,
    read: readOf(account),
    decide: ({ breakers: [breaker] }, now): Decision<Leave> => {
      const until = breaker?.openUntil ?? null;
      if (until === null) return { writes: [], answer: "closed" };
      if (isLeftAlone(until, now, probeMs)) return { writes: [], answer: "blocked" };
      const set = { openUntil: new Date(Date.parse(now) + probeMs).toISOString() };
      return { writes: [{ update: "breakers", where: { account }, set }], answer: "probe" };
    },
  });
}

/**
 * Notes what a batch showed.
 * @param limit how many batches in a row may fail before the breaker opens
 * @returns until when the account is left alone (RFC 3339); past when a probe is due; undefined when it is not
 */
export async function recordHealth(
  context: HeedContext,
  account: string,
  health: Exclude<Health, "unknown">,
  { isProbe, limit }: { readonly isProbe: boolean; readonly limit: number },
): Promise<string | undefined> {
  return context.storage.transact({
    lock: lockOf(account),
    clock: context.clock,
    read: readOf(account),
    decide: ({ breakers: [breaker] }, now): Decision<string | undefined> => {
      if (health === "answered") {
        return { writes: [{ remove: "breakers", where: { account } }], answer: undefined };
      }
      const before = breaker ?? { account, failures: 0, opens: 0, openUntil: null };
      // What was in hand when it opened says nothing new.
      if (before.openUntil !== null && !isProbe) return { writes: [], answer: before.openUntil };
      const failures = before.failures + 1;
      const opensNow = isProbe || failures >= limit;
      const after: Breaker = opensNow
        ? {
            account,
            failures,
            opens: before.opens + 1,
            openUntil: new Date(Date.parse(now) + pauseMs(before.opens)).toISOString(),
          }
        : { ...before, failures };
      const write: Write =
        breaker === undefined
          ? { insert: "breakers", row: after }
          : { update: "breakers", where: { account }, set: after };
      return { writes: [write], answer: after.openUntil ?? undefined };
    },
  });
}
