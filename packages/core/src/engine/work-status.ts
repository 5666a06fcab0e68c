import type { HeedContext } from "../context.ts";
import type { ProcessorV1 } from "../contract/processor.ts";
import type { Row } from "../contract/tables.ts";
import { unknownKeys } from "../keys/known-keys.ts";
import { openStates } from "../requests/lifecycle.ts";
import { accountOf, isLeftAlone } from "./breaker.ts";
import { isDaily } from "./pace.ts";

/** A processor's account, as far as it is left alone for failing as a whole. */
export interface BreakerStatus {
  /** `half-open`: the pause is over, and one batch goes as a probe. */
  readonly state: "closed" | "open" | "half-open";
  /** Batches in a row that gave no usable answer. */
  readonly failures: number;
  /** RFC 3339: until when nothing is asked there. */
  readonly until?: string;
}

/** What is to be done at one processor. Each number is counted up to 1000: that many means as many or more. */
export interface ProcessorStatus {
  /** Open steps behind another one. */
  readonly waiting: number;
  /** Open steps that could be worked on now. */
  readonly due: number;
  /** Open steps that come due later: being tried again, or settling. */
  readonly later: number;
  /** Open steps in a worker's hands. */
  readonly running: number;
  /**
   * Why the account cannot be used, where steps wait for it: the vendor refuses the credentials, or they are another
   * account's. It is proven again every 15 minutes, and so goes on by itself once they are mended.
   */
  readonly refused?: "account-refused" | "wrong-account";
  /** Ended steps that wait for a human, or for a retry. */
  readonly failed: number;
  readonly manual: number;
  /** RFC 3339: since when the oldest due step is due. */
  readonly oldestDueAt?: string;
  /** RFC 3339: when the next of the later ones comes due. */
  readonly nextAt?: string;
  readonly breaker: BreakerStatus;
  /**
   * By bucket: RFC 3339 until when there are no calls, for the vendor asked for none or its day is used up. Buckets that
   * are free are left out.
   */
  readonly pushedBackUntil: Readonly<Record<string, string>>;
}

/** Where the work stands, over all workers. Names processors and keys, and nothing personal. */
export interface WorkStatus<Processor extends string = string> {
  /** RFC 3339: when this was read. */
  readonly at: string;
  readonly processors: Readonly<Record<Processor | "heed", ProcessorStatus>>;
  /** Requests that have not ended, and those of them whose deadline has passed; counted up to 1000. */
  readonly requests: { readonly open: number; readonly overdue: number };
  /** Legal holds that stand, and those of them whose review date has passed; counted up to 1000. */
  readonly holds: { readonly active: number; readonly pastReview: number };
  /**
   * Ids of keys that storage was written with, in the rows that a "no" is found by, and that this process lacks or has
   * as `retired`: until it has them as `lookup`, it refuses permits and opt-ins (`unknown-key`).
   */
  readonly unknownKeys: readonly string[];
}

const mostCounted = 1000;

/**
 * Reads where the work stands: each count reads at most 1000 entries of an index, however many steps there are,
 * and each processor is read in a transaction of its own, so that nobody waits for it.
 */
export async function workStatus(context: HeedContext): Promise<WorkStatus> {
  const at = context.clock.now().toISOString();
  const processors: [string, ProcessorStatus][] = [];
  for (const [id, processor] of Object.entries(context.processors))
    processors.push([id, await processorStatus(context, id, processor, at)]);
  return {
    at,
    processors: Object.fromEntries(processors),
    requests: await requestCounts(context, at),
    holds: await holdCounts(context, at),
    unknownKeys: await unknownKeys(context),
  };
}

async function processorStatus(
  { storage, clock, namespace }: HeedContext,
  id: string,
  processor: ProcessorV1,
  at: string,
): Promise<ProcessorStatus> {
  const account = accountOf(processor);
  const stepsIn = (state: string) =>
    ({ from: "steps", where: { namespace, processor: id, state }, limit: mostCounted }) as const;
  const dueWhere = { namespace, processor: id, state: "due" } as const;
  return storage.transact({
    lock: [],
    clock,
    read: {
      waiting: stepsIn("waiting"),
      running: stepsIn("running"),
      failed: stepsIn("failed"),
      manual: stepsIn("manual"),
      due: {
        from: "steps",
        where: { ...dueWhere, dueAt: { atMost: at } },
        orderBy: ["dueAt"],
        limit: mostCounted,
      },
      later: {
        from: "steps",
        where: { ...dueWhere, dueAt: { above: at } },
        orderBy: ["dueAt"],
        limit: mostCounted,
      },
      breakers: { from: "breakers", where: { account } },
      limits: {
        from: "limits",
        where: { bucket: Object.keys(processor.limits).map((name) => `${account}/${name}`) },
      },
    },
    decide: ({ waiting, running, failed, manual, due, later, breakers, limits }) => {
      const oldestDueAt = due[0]?.dueAt;
      const nextAt = later[0]?.dueAt;
      const answer: ProcessorStatus = {
        waiting: waiting.length,
        due: due.length,
        later: later.length,
        running: running.length,
        failed: failed.length,
        manual: manual.length,
        ...(oldestDueAt == null ? {} : { oldestDueAt }),
        ...(nextAt == null ? {} : { nextAt }),
        ...refusedIn(later),
        breaker: breakerStatus(breakers[0], at),
        pushedBackUntil: pushedBack(limits, processor, at),
      };
      return { writes: [], answer };
    },
  });
}

function refusedIn(later: readonly Row<"steps">[]): Pick<ProcessorStatus, "refused"> {
  for (const { because } of later)
    if (because === "account-refused" || because === "wrong-account") return { refused: because };
  return {};
}

function breakerStatus(breaker: Row<"breakers"> | undefined, at: string): BreakerStatus {
  if (breaker === undefined) return { state: "closed", failures: 0 };
  const { failures, openUntil } = breaker;
  if (openUntil === null) return { state: "closed", failures };
  return isLeftAlone(openUntil, at)
    ? { state: "open", failures, until: openUntil }
    : { state: "half-open", failures };
}

const microsPerMs = 1000;

function pushedBack(
  rows: readonly Row<"limits">[],
  processor: ProcessorV1,
  at: string,
): Readonly<Record<string, string>> {
  const entries = rows
    .map((row) => {
      const name = row.bucket.slice(accountOf(processor).length + 1);
      const limit = processor.limits[name];
      const isUsedUp = limit !== undefined && isDaily(limit) && row.used >= limit.calls;
      const untilMicros = Math.max(row.pushedBackUntil, isUsedUp ? row.usedUntil : 0);
      return [name, new Date(untilMicros / microsPerMs).toISOString()];
    })
    .filter(([, until]) => until !== undefined && until > at);
  return Object.fromEntries(entries) as Record<string, string>;
}

async function requestCounts(
  { storage, clock, namespace }: HeedContext,
  at: string,
): Promise<WorkStatus["requests"]> {
  const isOpen = { namespace, state: openStates } as const;
  return storage.transact({
    lock: [],
    clock,
    read: {
      open: { from: "requests", where: isOpen, limit: mostCounted },
      overdue: { from: "requests", where: { ...isOpen, dueAt: { atMost: at } }, limit: mostCounted },
    },
    decide: ({ open, overdue }) => ({
      writes: [],
      answer: { open: open.length, overdue: overdue.length },
    }),
  });
}

async function holdCounts(
  { storage, clock, namespace }: HeedContext,
  at: string,
): Promise<WorkStatus["holds"]> {
  const stands = { namespace, releasedAt: { isNull: true } } as const;
  return storage.transact({
    lock: [],
    clock,
    read: {
      active: { from: "holds", where: stands, limit: mostCounted },
      pastReview: { from: "holds", where: { ...stands, reviewAt: { atMost: at } }, limit: mostCounted },
    },
    decide: ({ active, pastReview }) => ({
      writes: [],
      answer: { active: active.length, pastReview: pastReview.length },
    }),
  });
}
