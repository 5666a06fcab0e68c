import type { HeedContext } from "../context.ts";
import type { Write } from "../contract/storage.ts";
import { slugSchema } from "../contract/slug.ts";
import type { Row } from "../contract/tables.ts";
import { evidenceWrite } from "../evidence/evidence.ts";
import { open, seal } from "../keys/sealed.ts";
import { exclusionScope, suppress } from "../ledger/suppression.ts";
import { closingWrites } from "../requests/close-request.ts";
import { stepsToRelease } from "../requests/gates.ts";
import {
  cancelledBecause,
  isFinal,
  isParked,
  requestState,
  type RequestState,
} from "../requests/lifecycle.ts";
import type { Found } from "./found.ts";
import { putOff, putOffEvidence, requestPutOff, stepsBehind } from "./put-off.ts";
import { retainedWrites } from "./retained-parts.ts";
import { heldBack, type KeptOutcome, type Verdict } from "./verdict.ts";

/** A verdict about a step, with what its evidence needs. */
export interface Settlement {
  readonly step: Row<"steps">;
  readonly verdict: Verdict;
  readonly key?: Uint8Array;
  readonly subjectDigests?: readonly string[];
}

/** What a settle comes to. */
export interface Settled {
  readonly writes: readonly Write[];
  /** The steps as they are now. */
  readonly steps: readonly Row<"steps">[];
  /** Requests that moved to another state. */
  readonly requests: readonly { readonly requestId: string; readonly state: RequestState }[];
}

/** The rows that settling reads; see `settleReads`. */
export interface SettleRows {
  readonly requests: readonly Row<"requests">[];
  readonly openSteps: readonly Row<"steps">[];
  readonly requestSteps: readonly Row<"steps">[];
}

/**
 * The writes of a settle: the steps, the steps they release, the requests they close, and the evidence, all
 * in one transaction.
 */
export function settleWrites(
  context: HeedContext,
  rows: SettleRows,
  settlements: readonly Settlement[],
  now: string,
): Settled {
  const writes: Write[] = [];
  const requests: { requestId: string; state: RequestState }[] = [];
  const current = new Map([...rows.openSteps, ...rows.requestSteps].map((row) => [row.id, row]));
  const requestOf = new Map(rows.requests.map((request) => [request.id, request]));
  for (const settlement of settlements) {
    const request = requestOf.get(settlement.step.requestId ?? "");
    const evidenceOf = () =>
      settlement.subjectDigests ?? (JSON.parse(request?.subjectDigests ?? "[]") as string[]);
    const postponed = putOff(context, settlement.step, settlement.verdict);
    const set = changesOf(settlement, now, postponed?.dueAt);
    const after = { ...settlement.step, ...set };
    current.set(after.id, after);
    writes.push({ update: "steps", where: { id: settlement.step.id }, set });
    if (postponed !== undefined) {
      const { dueAt: deadlineAt, until } = postponed;
      writes.push(putOffEvidence(context, after, until, evidenceOf(), now));
      for (const behind of stepsBehind(after, [...current.values()])) {
        current.set(behind.id, { ...behind, deadlineAt });
        writes.push({ update: "steps", where: { id: behind.id }, set: { deadlineAt } });
      }
      const asked = request === undefined ? undefined : requestPutOff(request, postponed);
      if (asked !== undefined && asked !== request) {
        requestOf.set(asked.id, asked);
        const { dueAt, dueOn } = asked;
        writes.push({ update: "requests", where: { id: asked.id }, set: { dueAt, dueOn } });
      }
    }
    const { silence = [] } = settlement.verdict;
    writes.push(...silenced(settlement.step, silence, now));
    // Also one that was only to be tried again ends here: at its deadline, or because an erasure came in between.
    if (after.endedAt !== null) {
      const { step, key } = settlement;
      writes.push(stepEvidence(context, after, evidenceOf(), now));
      // Nobody else's is sealed with the key of a sighting.
      if (step.operation === "observe" && !isParked(after))
        writes.push({ remove: "dataKeys", where: { owner: step.subjectId } });
      // What it found is in the row as it was: a step that ends forgets it.
      if (after.state === "retained")
        writes.push(...retainedWrites(context, { ...after, sealed: step.sealed }, key, now));
    }
  }
  const settledSubjects = new Set(settlements.map(({ step }) => step.subjectId));
  for (const [subjectId, steps] of Map.groupBy(current.values(), (row) => row.subjectId)) {
    if (!settledSubjects.has(subjectId)) continue;
    for (const id of stepsToRelease(steps)) {
      const row = current.get(id);
      if (row !== undefined) current.set(id, { ...row, state: "due", dueAt: now });
      writes.push({ update: "steps", where: { id }, set: { state: "due", dueAt: now } });
    }
  }
  const ofRequest = Map.groupBy(current.values(), (row) => row.requestId);
  for (const request of requestOf.values()) {
    if (isFinal(request.state)) continue;
    const state = requestState(ofRequest.get(request.id) ?? []);
    if (state === request.state) continue;
    requests.push({ requestId: request.id, state });
    if (isFinal(state)) writes.push(...closingWrites(context, request, state, now));
    else writes.push({ update: "requests", where: { id: request.id }, set: { state } });
  }
  const steps = settlements.flatMap(({ step }) => current.get(step.id) ?? []);
  return { writes, steps, requests };
}

/** Who is erased is silenced everywhere; who is taken out of a processor, kept out of that one. */
function silenced(
  { operation, processor }: Row<"steps">,
  digests: readonly string[],
  now: string,
): readonly Write[] {
  return operation === "exclude"
    ? suppress(digests, exclusionScope(processor), "excluded", now)
    : suppress(digests, "everything", "erased", now);
}

const later = (now: string, ms: number) => new Date(Date.parse(now) + ms).toISOString();

/**
 * A vendor that says "pending" is looked at by the deadline at the latest, and from then on a human decides. A
 * settling period is short and is waited for in full: looking earlier would prove nothing.
 */
function verifyDueAt(
  { deadlineAt }: Row<"steps">,
  { dueInMs, because }: Extract<Verdict, { to: "verify" }>,
  now: string,
): string {
  const dueAt = later(now, dueInMs);
  if (because !== "pending" || dueAt <= deadlineAt) return dueAt;
  return now < deadlineAt ? deadlineAt : now;
}

/** What a sighting is about lies in its step alone, and stays there until it has ended. */
function sightedIn(step: Row<"steps">, key: Uint8Array): Pick<Found, "sighted" | "storedAt"> {
  if (step.operation !== "observe" || step.sealed === null) return {};
  const { sighted, storedAt } = JSON.parse(open(key, step.sealed, `steps/${step.id}`)) as Found;
  return {
    ...(sighted === undefined ? {} : { sighted }),
    ...(storedAt === undefined ? {} : { storedAt }),
  };
}

/** The new values of a step's row. @param deadlineAt a later one, where it was put off */
function changesOf(
  { step, verdict, key }: Settlement,
  now: string,
  deadlineAt = step.deadlineAt,
): Partial<Row<"steps">> {
  const sealFound = (found: Found | undefined) =>
    found === undefined || key === undefined
      ? {}
      : { sealed: seal(key, JSON.stringify({ ...sightedIn(step, key), ...found }), `steps/${step.id}`) };
  // An answer came, whatever it said: this step does not end its worker.
  const freed = { leaseUntil: null, crashes: 0 };
  // An erasure or an objection came in between: what was in flight has ended, the rest is theirs.
  const because = cancelledBecause(step);
  if (because !== undefined) return { ...freed, state: "cancelled", because, endedAt: now, dueAt: null };
  switch (verdict.to) {
    case "run":
      return {
        ...freed,
        state: "waiting",
        phase: "run",
        dueAt: null,
        because: null,
        tries: 0,
        ...sealFound(verdict.found),
      };
    case "verify":
      return {
        ...freed,
        state: "due",
        phase: "verify",
        dueAt: verifyDueAt(step, verdict, now),
        because: verdict.because ?? null,
        rounds: verdict.rounds ?? 0,
        tries: verdict.counts ? step.tries + 1 : step.tries,
        ...(verdict.outcome === undefined ? {} : { attempted: 0, ranAt: now }),
        ...(verdict.alone ? { alone: 1 } : {}),
        ...(verdict.outcome === undefined ? {} : { outcome: JSON.stringify(verdict.outcome) }),
        ...(verdict.finding === undefined ? {} : { finding: verdict.finding }),
        ...sealFound(verdict.found),
      };
    case "again": {
      const dueAt = later(now, verdict.dueInMs);
      // heed's own data is nobody's to destroy by hand: it is tried until it is gone.
      const isOwn = step.processor === "heed";
      const hasNoDeadline = isOwn || verdict.because === heldBack.because;
      const isOverdue = now >= deadlineAt && !hasNoDeadline;
      const soFar = verdict.outcome === undefined ? {} : { outcome: JSON.stringify(verdict.outcome) };
      if (isOverdue) {
        return {
          ...freed,
          ...soFar,
          state: "manual",
          because: "deadline-passed",
          endedAt: now,
          dueAt: null,
          ...sealFound({
            targets: [],
            instruction: `Not done by the deadline${verdict.because === null ? "" : ` (${verdict.because})`}. Do it by hand, or retry the step.`,
          }),
        };
      }
      return {
        ...freed,
        ...soFar,
        state: "due",
        phase: verdict.phase ?? step.phase,
        dueAt: hasNoDeadline || dueAt < deadlineAt ? dueAt : deadlineAt,
        deadlineAt,
        because: verdict.because,
        tries: verdict.counts ? step.tries + 1 : step.tries,
        doubts: verdict.doubtful ? step.doubts + 1 : step.doubts,
        rounds: 0,
        ...(verdict.answered ? { attempted: 0 } : {}),
        ...(verdict.alone ? { alone: 1 } : {}),
        ...(verdict.finding === undefined ? {} : { finding: verdict.finding }),
        ...sealFound(verdict.found),
      };
    }
    case "end":
      return {
        ...freed,
        state: verdict.state,
        because: verdict.because ?? null,
        endedAt: now,
        dueAt: null,
        ...(verdict.outcome === undefined ? {} : { outcome: JSON.stringify(verdict.outcome) }),
        ...(verdict.finding === undefined ? {} : { finding: verdict.finding }),
        ...(verdict.answered ? { attempted: 0 } : {}),
        // What was found is needed no longer, unless a human is to go on with it.
        ...(verdict.instruction === undefined
          ? verdict.state === "failed"
            ? {}
            : { sealed: null }
          : sealFound({ targets: [], instruction: verdict.instruction })),
      };
    default: {
      const never: never = verdict;
      return never;
    }
  }
}

/** The evidence of a step that has ended. @param after the row as it ended @param subject evidence digests */
export function stepEvidence(
  context: HeedContext,
  after: Row<"steps">,
  subject: readonly string[],
  now: string,
): Write {
  const outcome = after.outcome === null ? undefined : (JSON.parse(after.outcome) as KeptOutcome);
  const because = slugSchema.safeParse(after.because);
  return evidenceWrite(context, now, {
    kind: "step.settled",
    stepId: after.id,
    ...(after.requestId === null ? {} : { requestId: after.requestId }),
    processor: after.processor,
    operation: after.operation,
    state: after.state,
    ...(outcome === undefined ? {} : { outcome: outcome.status }),
    ...(outcome?.affected === undefined ? {} : { affected: outcome.affected }),
    ...(outcome?.retained === undefined ? {} : { retained: [...outcome.retained] }),
    ...(outcome?.purgedBy === undefined ? {} : { purgedBy: outcome.purgedBy }),
    ...(after.finding === null ? {} : { finding: after.finding }),
    ...(because.success ? { because: because.data } : {}),
    tries: after.tries,
    subject: [...subject],
  });
}
