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
import { excludedFrom } from "../ledger/kept-out.ts";
import { suppressionDigests } from "../ledger/name-subject.ts";
import { revokePermits } from "../ledger/revoke-permits.ts";
import type { SubjectRecord } from "../ledger/subject-record.ts";
import { exclusionScope, keepsOut, suppress } from "../ledger/suppression.ts";
import { closingWrites } from "./close-request.ts";
import { stepsToRelease } from "./gates.ts";
import { cancelFor, requestState } from "./lifecycle.ts";
import { planOf, seqOf, stepRows } from "./plan.ts";

/**
 * Nothing stands in its way any more: plan the steps, for an erasure freeze and silence the subject, and for an objection
 * keep whoever asks from making them anew where they do not want to be.
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
  const cancelled = cancelOvertaken(context, record, request, now);
  // heed's own data waits also for what a human has still to do for another request.
  const ended = requestSteps.filter((step) => step.endedAt !== null);
  const before = { ...record, openSteps: [...cancelled.stillOpen, ...ended] };
  const planned = planOf(context, request, request.dueAt, request.receivedAt);
  const rows = stepRows(context, before, planned, {
    seal: key,
    seq: seqOf(now),
    now,
    requestId: request.id,
    eventId: null,
  });
  const silence =
    request.right === "erasure"
      ? silenceAndFreeze(context, record, request, now)
      : { writes: keepOut(context, record, request, now), revoked: [] };
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
      ...rows.filter((row) => row.endedAt !== null).flatMap((row) => endedAtOnce(context, row, request, now)),
    ],
    revoked: silence.revoked,
  };
}

/** A rule keeps all that a processor has, or only a human can do it: nobody is asked, and it is proven all the same. */
function endedAtOnce(
  context: HeedContext,
  row: Row<"steps">,
  request: Row<"requests">,
  now: string,
): readonly Write[] {
  const digests = JSON.parse(request.subjectDigests) as string[];
  const kept = row.state === "retained" ? retainedWrites(context, row, undefined, now) : [];
  return [stepEvidence(context, row, digests, now), ...kept];
}

/**
 * Opt-ins still on their way are overtaken by an erasure, and by an objection where they are on their way to; what a
 * worker holds is let end, and ends as cancelled. Opt-outs and steps of another request go on: the
 * person asked for that too.
 */
function cancelOvertaken(
  context: HeedContext,
  record: SubjectRecord,
  { right, recipient }: Row<"requests">,
  now: string,
): { writes: readonly Write[]; stillOpen: SubjectRecord["openSteps"] } {
  const isConcerned = (step: Row<"steps">) =>
    right === "erasure" || (right === "objection" && step.processor === recipient);
  const isOvertaken = (step: Row<"steps">) =>
    step.requestId === null && step.operation !== "unsubscribe" && isConcerned(step);
  const overtaken = record.openSteps.filter(isOvertaken);
  const digests = evidenceDigests(context, identifiersOf(record.dataKey, record.identifiers));
  const because = right === "erasure" ? "erasure-requested" : "objected";
  const ended = { state: "cancelled", because, endedAt: now, dueAt: null };
  return {
    stillOpen: record.openSteps.filter((step) => !isOvertaken(step) || step.state === "running"),
    writes: overtaken.flatMap((step): readonly Write[] =>
      step.state === "running"
        ? [{ update: "steps", where: { id: step.id }, set: { cancel: cancelFor(because) } }]
        : [
            { update: "steps", where: { id: step.id }, set: ended },
            stepEvidence(context, { ...step, ...ended }, digests, now),
          ],
    ),
  };
}

/**
 * From now on whoever asks before creating the person at the recipient is told not to. What keeps them out already
 * stays as it is: it does so also when this objection is taken back.
 */
function keepOut(
  context: HeedContext,
  record: SubjectRecord,
  { right, recipient }: Row<"requests">,
  now: string,
): readonly Write[] {
  if (right !== "objection" || recipient === null) return [];
  const before = new Set(
    record.silences.filter((row) => keepsOut(row, recipient)).map(({ digest }) => digest),
  );
  const digests = suppressionDigests(context, identifiersOf(record.dataKey, record.identifiers));
  const free = digests.filter((digest) => !before.has(digest));
  // Of whom no address was known then, what took them out is all that says since when.
  const since = before.size === 0 ? excludedFrom(record, recipient)?.at : undefined;
  return suppress(free, exclusionScope(recipient), "excluded", since ?? now);
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
