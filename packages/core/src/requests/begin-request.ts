import type { HeedContext } from "../context.ts";
import type { Write } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { retainedWrites } from "../engine/retained-parts.ts";
import { stepEvidence } from "../engine/settle.ts";
import { ConflictError } from "../errors/conflict-error.ts";
import { evidenceDigests } from "../evidence/evidence.ts";
import { newDataKey } from "../keys/sealed.ts";
import { decideOptOut } from "../ledger/decide-opt-out.ts";
import type { Scope } from "../ledger/event.ts";
import { identifiersOf } from "../ledger/identifiers.ts";
import { suppressionDigests } from "../ledger/name-subject.ts";
import { revokePermits } from "../ledger/revoke-permits.ts";
import type { SubjectRecord } from "../ledger/subject-record.ts";
import { suppress } from "../ledger/suppression.ts";
import { closingWrites } from "./close-request.ts";
import { stepsToRelease } from "./gates.ts";
import { requestState } from "./lifecycle.ts";
import { erasurePlan, forgetTokensPlan, seqOf, stepRows, type PlannedStep } from "./plan.ts";

/**
 * Nothing stands in its way any more: plan the steps, and for an erasure freeze and silence the subject.
 *
 * @param requestSteps all steps of the subject's open requests
 */
export function beginRequest(
  context: HeedContext,
  record: SubjectRecord,
  request: Row<"requests">,
  requestSteps: readonly Row<"steps">[],
  now: string,
): { request: Row<"requests">; writes: readonly Write[]; revoked: readonly string[] } {
  if (record.frozenBy !== null && request.right !== "withdrawal") {
    const covered =
      request.endsPaidService === "allowed"
        ? 'To have paid service ended too, open the erasure again with `endsPaidService: "allowed"`.'
        : "It covers what this request asks for.";
    throw new ConflictError(`An erasure of this person is under way. ${covered}`, { code: "frozen" });
  }
  const key = newDataKey();
  const begun =
    request.right === "withdrawal"
      ? beginWithdrawal(context, record, request, key, now)
      : beginPlan(context, record, request, requestSteps, key, now);
  const state = requestState(begun.rows);
  const isClosed = state === "fulfilled" || state === "partially_fulfilled";
  return {
    request: { ...request, state },
    writes: [
      { insert: "dataKeys", row: { owner: request.id, ...context.keys.wrap(key, request.id) } },
      ...begun.writes,
      ...(isClosed ? closingWrites(context, request, state, now) : []),
    ],
    revoked: begun.revoked,
  };
}

interface Begun {
  readonly rows: readonly Row<"steps">[];
  readonly writes: readonly Write[];
  readonly revoked: readonly string[];
}

function beginWithdrawal(
  context: HeedContext,
  record: SubjectRecord,
  request: Row<"requests">,
  key: Uint8Array,
  now: string,
): Begun {
  const scope: Scope =
    request.purpose === null ? { scope: "all", name: null } : { scope: "purpose", name: request.purpose };
  const { writes, answer } = decideOptOut(
    context,
    [record],
    undefined,
    { kind: "withdrawn", scope, method: "request" },
    now,
    { request: { id: request.id, key } },
  );
  return { rows: answer.steps, writes, revoked: answer.revoked };
}

function beginPlan(
  context: HeedContext,
  record: SubjectRecord,
  request: Row<"requests">,
  requestSteps: readonly Row<"steps">[],
  key: Uint8Array,
  now: string,
): Begun {
  const isErasure = request.right === "erasure";
  const cancelled = isErasure
    ? cancelOpenSteps(context, record, now)
    : { writes: [], stillOpen: record.openSteps };
  // heed's own data waits also for what a human has still to do for another request.
  const ended = requestSteps.filter((step) => step.endedAt !== null);
  const before = { ...record, openSteps: [...cancelled.stillOpen, ...ended] };
  const rows = stepRows(context, before, planOf(context, request), {
    seal: key,
    seq: seqOf(now),
    now,
    requestId: request.id,
    eventId: null,
  });
  const silence = isErasure ? silenceAndFreeze(context, record, request, now) : { writes: [], revoked: [] };
  // What waited behind a step that is cancelled here is nobody else's to release.
  const open = before.openSteps.filter((step) => step.endedAt === null);
  const ids = new Set(open.map((step) => step.id));
  const released = stepsToRelease([...before.openSteps, ...rows]).filter((id) => ids.has(id));
  const release: readonly Write[] =
    released.length === 0
      ? []
      : [{ update: "steps", where: { id: released }, set: { state: "due", dueAt: now } }];
  return {
    rows,
    writes: [
      ...cancelled.writes,
      ...release,
      ...silence.writes,
      ...rows.map((row): Write => ({ insert: "steps", row })),
      ...rows
        .filter((row) => row.state === "retained")
        .flatMap((row) => keptByRule(context, row, request, now)),
    ],
    revoked: silence.revoked,
  };
}

/** A rule keeps all that a processor has: nobody is asked, and it is remembered and proven all the same. */
function keptByRule(
  context: HeedContext,
  row: Row<"steps">,
  request: Row<"requests">,
  now: string,
): readonly Write[] {
  const digests = JSON.parse(request.subjectDigests) as string[];
  return [stepEvidence(context, row, digests, now), ...retainedWrites(context, row, undefined, now)];
}

function planOf(context: HeedContext, request: Row<"requests">): readonly PlannedStep[] {
  if (request.right === "erasure") return erasurePlan(context, request.dueAt, request.receivedAt);
  return request.right === "forget-tokens" ? forgetTokensPlan(context, request.dueAt) : [];
}

/**
 * Opt-ins still on their way are overtaken by the erasure; what a worker holds is let end, and ends as
 * cancelled. Opt-outs and steps of another request go on: the person asked for that too.
 */
function cancelOpenSteps(
  context: HeedContext,
  record: SubjectRecord,
  now: string,
): { writes: readonly Write[]; stillOpen: SubjectRecord["openSteps"] } {
  const isOvertaken = (step: Row<"steps">) => step.requestId === null && step.operation !== "unsubscribe";
  const overtaken = record.openSteps.filter(isOvertaken);
  const digests = evidenceDigests(context, identifiersOf(record.dataKey, record.identifiers));
  const ended = { state: "cancelled", because: "erasure-requested", endedAt: now, dueAt: null };
  return {
    stillOpen: record.openSteps.filter((step) => !isOvertaken(step) || step.state === "running"),
    writes: overtaken.flatMap((step): readonly Write[] =>
      step.state === "running"
        ? [{ update: "steps", where: { id: step.id }, set: { cancel: 1 } }]
        : [
            { update: "steps", where: { id: step.id }, set: ended },
            stepEvidence(context, { ...step, ...ended }, digests, now),
          ],
    ),
  };
}

function silenceAndFreeze(
  context: HeedContext,
  record: SubjectRecord,
  request: Row<"requests">,
  now: string,
): { writes: readonly Write[]; revoked: readonly string[] } {
  const stop = revokePermits(context, record, { scope: "all", name: null }, now);
  const digests = suppressionDigests(context, identifiersOf(record.dataKey, record.identifiers));
  return {
    writes: [
      { update: "subjects", where: { id: record.id }, set: { frozenBy: request.id } },
      ...suppress(digests, "everything", "erased", now),
      ...stop.writes,
    ],
    revoked: stop.revoked,
  };
}
