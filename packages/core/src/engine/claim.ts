import type { HeedContext } from "../context.ts";
import type { Decision, DueStep, RowsOf, WhereOf, Write } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { HeedError, isHeedError } from "../errors/heed-error.ts";
import { holdReads, holdsIn, isHeldBy } from "../holds/hold.ts";
import { lockNames } from "../ledger/under-lock.ts";
import { isDestructive, isHeldBack } from "../requests/lifecycle.ts";
import { comesBackAt, mostCrashes } from "./crashes.ts";
import { prepareOrEnd, type Known, type Prepared } from "./prepare.ts";
import { settleWrites, type Settled, type Settlement } from "./settle.ts";
import { afterHold } from "./seen-done.ts";

/** A step in a worker's hands until its lease ends. */
export interface Claim extends Prepared {
  /** The row as leased; `attempt` fences the settle. */
  readonly step: Row<"steps">;
  /** When the lease ends on the clock that nobody sets; infinite where there is none. */
  readonly leaseElapsesMs: number;
}

/** The requests of steps. A step stays with its request for good. */
function requestsOf(steps: readonly Pick<DueStep, "requestId">[]): readonly string[] {
  return [...new Set(steps.flatMap(({ requestId }) => requestId ?? []))];
}

/** Locks that a settle of these steps takes. */
export function settleLocks(
  steps: readonly Pick<DueStep, "id" | "subjectId" | "requestId">[],
): readonly string[] {
  return lockNames({
    subjects: steps.map(({ subjectId }) => subjectId),
    requests: requestsOf(steps),
    steps: steps.map(({ id }) => id),
  });
}

/** Reads that a settle of these steps needs. A merge in between has not taken them from whoever holds them. */
export function settleReads(steps: readonly Pick<DueStep, "id" | "requestId">[]) {
  const ids = steps.map(({ id }) => id);
  const subjectId = { via: "steps", column: "subjectId", where: { id: ids } } as const;
  return readsOfSteps(subjectId, requestsOf(steps));
}

function readsOfSteps<const S extends WhereOf<"steps">["subjectId"]>(
  subjectId: S,
  requestIds: readonly string[],
) {
  const openRequestIds = {
    via: "requests",
    column: "id",
    where: { subjectId, closedAt: { isNull: true } },
  } as const;
  return {
    requests: { from: "requests", where: { id: requestIds } },
    // These among them, unless they have ended.
    openSteps: { from: "steps", where: { subjectId, endedAt: { isNull: true } } },
    // Of every open request of these subjects: heed's own data waits for all of them.
    requestSteps: { from: "steps", where: { requestId: openRequestIds } },
  } as const;
}

/**
 * Reads of a claim: the steps, who they are about, and what opens it. A step that a merge has given to somebody
 * else is not among them: the lock is not theirs.
 */
function claimReads(subjectId: readonly string[], requestIds: readonly string[]) {
  return {
    ...readsOfSteps(subjectId, requestIds),
    identifiers: { from: "identifiers", where: { subjectId } },
    events: { from: "events", where: { subjectId }, orderBy: ["recordedAt", "id"] },
    subjectKeys: { from: "dataKeys", where: { owner: subjectId } },
    requestKeys: { from: "dataKeys", where: { owner: requestIds } },
  } as const;
}

function knownFrom(rows: RowsOf<ReturnType<typeof claimReads>>): Known {
  return {
    identifiers: Map.groupBy(rows.identifiers, ({ subjectId }) => subjectId),
    events: Map.groupBy(rows.events, ({ subjectId }) => subjectId),
    subjectKeys: Map.groupBy(rows.subjectKeys, ({ owner }) => owner),
    requestKeys: Map.groupBy(rows.requestKeys, ({ owner }) => owner),
    requests: new Map(rows.requests.map((row) => [row.id, row])),
    requestSteps: Map.groupBy(rows.requestSteps, ({ requestId }) => requestId),
  };
}

/** What to lease. */
export interface ClaimAsk {
  readonly steps: readonly DueStep[];
  readonly leaseMs: number;
  /** Topics whose list the processor's vendor does not know. */
  readonly unknownTopics?: readonly string[];
  /** False when no run will follow, so that none is noted as begun. */
  readonly willRun: boolean;
  /** The vendor account, whose breaker may stand in the way. */
  readonly account?: string;
  /** This batch is the probe that an open breaker lets through. */
  readonly isProbe?: boolean;
}

/** What a claim came to. */
export interface Claimed {
  readonly claims: readonly Claim[];
  /** RFC 3339: nothing was leased, for the account's breaker is open until then, or since then waits for a probe. */
  readonly blockedUntil: string | undefined;
  /** Steps, by id, whose key this process lacks: they stay for one that has it. */
  readonly unreadable: ReadonlyMap<string, HeedError>;
  /** Whether a batch at this account has failed since it last answered. */
  readonly hasFailed: boolean;
}

/**
 * Leases steps. Each is looked at again under the lock: one that another worker took is left out, a
 * preference that a newer choice overtook ends as superseded, and one whose subject the processor cannot
 * search for ends at a human. A step whose worker was lost counts that, and ends as failed when it happened too
 * often. One that a legal hold covers is put off, and one that it covered gets back its place. One whose key this
 * process lacks stays due, for another. Behind an open breaker nothing is leased but what is overdue is ended.
 */
export async function claim(context: HeedContext, ask: ClaimAsk): Promise<Claimed> {
  const ids = ask.steps.map((step) => step.id);
  const subjectIds = [...new Set(ask.steps.map((step) => step.subjectId))];
  const elapsedMs = context.clock.elapsedMs?.() ?? Number.POSITIVE_INFINITY;
  const { settled, parked, ...claimed } = await context.storage.transact({
    lock: lockNames({ subjects: subjectIds, steps: ids }),
    clock: context.clock,
    read: {
      ...claimReads(subjectIds, requestsOf(ask.steps)),
      ...holdReads(context.namespace, ids),
      breakers: { from: "breakers", where: { account: ask.account ?? "" } },
    },
    decide: (rows, now): Decision<Claimed & { settled: Settled; parked: readonly Row<"steps">[] }> => {
      const claims: Claim[] = [];
      const writes: Write[] = [];
      const settlements: Settlement[] = [];
      const parked: Row<"steps">[] = [];
      const unreadable = new Map<string, HeedError>();
      const known = knownFrom(rows);
      const holds = holdsIn(rows);
      const asked = new Set(ids);
      const [breaker] = rows.breakers;
      const blockedUntil = ask.isProbe ? undefined : (breaker?.openUntil ?? undefined);
      for (const found of rows.openSteps) {
        if (!asked.has(found.id) || !isClaimable(found, now)) continue;
        const row = found.state === "running" ? { ...found, alone: 1, crashes: found.crashes + 1 } : found;
        const { alone, crashes } = row;
        if (crashes >= mostCrashes && row.cancel === 0) {
          parked.push(row);
          settlements.push({ step: row, verdict: { to: "end", state: "failed", because: "crashed-worker" } });
          continue;
        }
        const backAt = found.state === "running" ? comesBackAt(row, now, ask.leaseMs) : now;
        if (backAt > now) {
          const set = { state: "due", dueAt: backAt, leaseUntil: null, alone, crashes };
          writes.push({ update: "steps", where: { id: row.id }, set });
          continue;
        }
        const prepared = prepareOrEnd(context, row, known, now, ask.unknownTopics ?? []);
        const leaveDue = (): void => {
          // Written as it is: delivery may tell another worker of it again.
          const set = { state: "due", dueAt: found.state === "due" ? row.dueAt : now, leaseUntil: null };
          writes.push({ update: "steps", where: { id: row.id }, set: { ...set, alone, crashes } });
        };
        if (isHeedError(prepared)) {
          unreadable.set(row.id, prepared);
          leaveDue();
          continue;
        }
        if ("verdict" in prepared) {
          settlements.push(prepared);
          continue;
        }
        if (prepared.phase === "run" && isHeldBy(holds, row)) {
          const { key, subjectDigests } = prepared;
          const verdict = { ...afterHold({ ...prepared, step: row }), alone: alone === 1 };
          settlements.push({ step: row, key, subjectDigests, verdict });
          continue;
        }
        if (isHeldBack(row)) {
          // Others went ahead of it meanwhile, and may be in hand.
          settlements.push({ step: row, verdict: { to: "run" } });
          continue;
        }
        if (blockedUntil !== undefined) {
          if (now >= row.deadlineAt) settlements.push(overdue(row, prepared));
          else leaveDue();
          continue;
        }
        const step: Row<"steps"> = {
          ...row,
          state: "running",
          attempt: row.attempt + 1,
          leaseUntil: new Date(Date.parse(now) + ask.leaseMs).toISOString(),
        };
        // Stored before the run, so that a crash in it is known. What destroys is looked at again: see `begin`.
        const runsNow = ask.willRun && prepared.phase === "run" && !isDestructive(row.operation);
        const attempted = runsNow ? 1 : row.attempted;
        const { state, attempt, leaseUntil } = step;
        writes.push({
          update: "steps",
          where: { id: row.id },
          set: { state, attempt, leaseUntil, attempted, alone, crashes },
        });
        claims.push({ ...prepared, step, leaseElapsesMs: elapsedMs + ask.leaseMs });
      }
      const settled = settleWrites(context, rows, settlements, now);
      const hasFailed = breaker !== undefined;
      return {
        writes: [...writes, ...settled.writes],
        answer: { claims, settled, parked, blockedUntil, unreadable, hasFailed },
      };
    },
  });
  tellSettled(context, settled);
  for (const { processor, operation } of parked) {
    const error = new HeedError(
      `A step lost its worker ${mostCrashes} times in a row and was parked. Find out what it does to the process, then retry it: heed.steps.retry(id).`,
      { code: "crashed-worker" },
    );
    context.hub.emit("work.failed", { error, processor, operation });
  }
  return claimed;
}

/** Not done, and its time is over: as after a try that failed. */
function overdue(step: Row<"steps">, { key, subjectDigests }: Prepared): Settlement {
  const verdict = { to: "again", dueInMs: 0, because: "unavailable", counts: false } as const;
  return { step, key, subjectDigests, verdict };
}

/** What may destroy now. */
export interface Begun {
  /** Ids of the steps that may run. */
  readonly begun: ReadonlySet<string>;
  /** Ids of those that a legal hold stops. */
  readonly held: ReadonlySet<string>;
}

/**
 * Immediately before something is destroyed, after its guard: notes that the run begins, under a whole lease, if
 * it still holds, nothing has cancelled the step and no legal hold covers it. In neither set: the lease is lost.
 */
export async function begin(context: HeedContext, claims: readonly Claim[], leaseMs: number): Promise<Begun> {
  const ids = claims.map(({ step }) => step.id);
  return context.storage.transact({
    lock: lockNames({ subjects: claims.map(({ step }) => step.subjectId), steps: ids }),
    clock: context.clock,
    read: { steps: { from: "steps", where: { id: ids } }, ...holdReads(context.namespace, ids) },
    decide: (rows, now): Decision<Begun> => {
      const leaseUntil = new Date(Date.parse(now) + leaseMs).toISOString();
      const ours = rows.steps.filter((row) =>
        claims.some(({ step }) => row.id === step.id && isHeld(row, step) && row.cancel === 0),
      );
      const held = new Set(ours.filter((row) => isHeldBy(holdsIn(rows), row)).map(({ id }) => id));
      const begun = ours.map(({ id }) => id).filter((id) => !held.has(id));
      return {
        writes:
          begun.length === 0
            ? []
            : [{ update: "steps", where: { id: begun }, set: { attempted: 1, leaseUntil } }],
        answer: { begun: new Set(begun), held },
      };
    },
  });
}

/** The fence: the step is still leased under the attempt that the claim was given. */
export function isHeld(row: Row<"steps">, claimed: Row<"steps">): boolean {
  return row.state === "running" && row.attempt === claimed.attempt;
}

/** Tells of what a settle moved, after its commit. */
export function tellSettled({ hub }: HeedContext, { steps, requests }: Omit<Settled, "writes">): void {
  for (const step of steps) {
    hub.emit("step.settled", {
      stepId: step.id,
      requestId: step.requestId ?? undefined,
      processor: step.processor,
      operation: step.operation,
      state: step.state,
      phase: step.phase,
      because: step.because ?? undefined,
      ended: step.endedAt !== null,
    });
  }
  for (const request of requests) hub.emit("request.changed", request);
}

function isClaimable(row: Row<"steps">, now: string): boolean {
  if (row.state === "due") return row.dueAt !== null && row.dueAt <= now;
  return row.state === "running" && row.leaseUntil !== null && row.leaseUntil <= now;
}
