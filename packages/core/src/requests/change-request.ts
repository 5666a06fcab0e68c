import type { HeedContext } from "../context.ts";
import type { Decision, Write } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { stepEvidence } from "../engine/settle.ts";
import { ConflictError } from "../errors/conflict-error.ts";
import { transactOnSubjects } from "../ledger/under-lock.ts";
import { untilStill } from "../ledger/until-still.ts";
import type { SubjectRecord } from "../ledger/subject-record.ts";
import { allowedEvidence } from "./allow-ending.ts";
import { beginRequest } from "./begin-request.ts";
import { closingWrites } from "./close-request.ts";
import { stepWrites } from "../ledger/choice-event.ts";
import { letSubjectIn } from "../ledger/kept-out.ts";
import { keepsOut } from "../ledger/suppression.ts";
import { stepsToRelease } from "./gates.ts";
import { elseKnownReads, openInquiry, strangerWrites } from "./inquiry.ts";
import { isFinal, isParked, type Identity, type RequestState } from "./lifecycle.ts";
import { openRequestsOf } from "./open-request.ts";
import { byId, reviveSteps } from "./parked-steps.ts";
import { noSuchRequest } from "./read-request.ts";
import { standingSteps } from "./tell-standing.ts";

interface Change {
  readonly writes: readonly Write[];
  readonly state: RequestState;
  readonly revoked?: readonly string[];
}

/** What a change of a request looks at. */
interface Found {
  readonly request: Row<"requests">;
  readonly steps: readonly Row<"steps">[];
  /** The open steps of the subject, and all steps of its open requests. */
  readonly allSteps: readonly Row<"steps">[];
  /** Undefined when another request erased the person. */
  readonly record: SubjectRecord | undefined;
  /** What goes with the request when it ends. */
  readonly forgotten: readonly Write[];
  readonly now: string;
}

/** Reads a request under its subject's lock, lets `decide` change it, and tells of the new state. */
async function change(
  context: HeedContext,
  id: string,
  decide: (found: Found) => Change,
): Promise<{ state: RequestState }> {
  const { state, revoked = [] } = await untilStill("request", () => changeOnce(context, id, decide));
  context.livePermits.revoke(revoked);
  context.hub.emit("request.changed", { requestId: id, state });
  return { state };
}

/** @returns "moved" when the request became another subject's before that subject was locked */
async function changeOnce(
  context: HeedContext,
  id: string,
  decide: (found: Found) => Change,
): Promise<Change | "moved"> {
  const subjectId = await context.storage.transact({
    lock: [],
    clock: context.clock,
    read: { requests: { from: "requests", where: { id, namespace: context.namespace } } },
    decide: ({ requests }): Decision<string | undefined> => ({ writes: [], answer: requests[0]?.subjectId }),
  });
  if (subjectId === undefined) throw noSuchRequest();
  return transactOnSubjects(context, {
    select: { subjectId },
    read: {
      requests: { from: "requests", where: { id } },
      requestSteps: { from: "steps", where: openRequestsOf(subjectId) },
      ...elseKnownReads(subjectId),
    },
    decide: ([record], { requests, requestSteps, ...elseKnown }, now): Decision<Change | "moved"> => {
      const [request] = requests;
      if (request === undefined) throw noSuchRequest();
      if (request.subjectId !== subjectId) return { writes: [], answer: "moved" };
      if (isFinal(request.state)) {
        throw new ConflictError("This request has ended; it cannot be changed any more.", {
          code: "request-ended",
        });
      }
      const steps = requestSteps.filter((step) => step.requestId === id);
      const allSteps = byId([...(record?.openSteps ?? []), ...requestSteps]);
      const changed = decide({
        request,
        steps,
        allSteps,
        record,
        forgotten: strangerWrites(request, record, elseKnown),
        now,
      });
      return { writes: changed.writes, answer: changed };
    },
  });
}

/** Identity was shown: the identifiers that the request named are verified, and its plan is made. */
export function verifyIdentity(
  context: HeedContext,
  id: string,
  identity: Exclude<Identity, "unverified">,
): Promise<{ state: RequestState }> {
  return change(context, id, ({ request, record, allSteps, now }) => {
    if (request.right === "inquiry")
      throw new ConflictError(
        "An inquiry does nothing that needs an identity. Open what it turned out to be, with `follows`.",
        { code: "nothing-to-verify" },
      );
    if (request.state !== "awaiting_verification") {
      throw new ConflictError("The identity behind this request was established before.", {
        code: "already-verified",
      });
    }
    if (record === undefined) {
      throw new ConflictError(
        "Another request has erased this person since. Take this one back, or open it anew.",
        { code: "subject-erased" },
      );
    }
    const named = new Set(JSON.parse(request.named) as string[]);
    const digests = record.identifiers.filter((row) => named.has(row.digest)).map((row) => row.digest);
    const identifiers = record.identifiers.map((row) =>
      named.has(row.digest) ? { ...row, verified: 1 } : row,
    );
    const begun = beginRequest(context, { ...record, identifiers }, { ...request, identity }, allSteps, now);
    const state = begun.request.state as RequestState;
    return {
      writes: [
        { update: "identifiers", where: { digest: digests }, set: { verified: 1 } },
        { update: "requests", where: { id }, set: { identity, state } },
        ...(request.endsPaidService === "allowed" ? [allowedEvidence(context, request, identity, now)] : []),
        ...begun.writes,
      ],
      state,
      revoked: begun.revoked,
    };
  });
}

/** A human has answered an inquiry. @throws ConflictError `not-an-inquiry` */
export function answerInquiry(
  context: HeedContext,
  id: string,
  because: string | null,
): Promise<{ state: RequestState }> {
  return change(context, id, ({ request, forgotten, now }) => {
    const closing = closingWrites(context, openInquiry(request), "fulfilled", now, because);
    return { writes: [...closing, ...forgotten], state: "fulfilled" };
  });
}

/** Takes the request back, as long as nothing was carried out. */
export function withdrawRequest(context: HeedContext, id: string): Promise<{ state: RequestState }> {
  return change(context, id, (known) => endEarly(context, known, "withdrawn", null));
}

/** Refuses the request as a whole, as long as nothing was carried out (GDPR Art. 12(4), 12(5)). */
export function denyRequest(
  context: HeedContext,
  id: string,
  because: string,
): Promise<{ state: RequestState }> {
  return change(context, id, (known) => endEarly(context, known, "denied", because));
}

/** Ends requests whose deadline came before anybody showed who was asking. */
export async function expireUnverified(context: HeedContext): Promise<number> {
  const { namespace, clock } = context;
  const overdue = await context.storage.transact({
    lock: [],
    clock,
    read: {
      requests: {
        from: "requests",
        where: { namespace, state: "awaiting_verification", dueAt: { atMost: clock.now().toISOString() } },
        limit: 100,
      },
    },
    decide: ({ requests }): Decision<readonly string[]> => ({
      writes: [],
      answer: requests.map((request) => request.id),
    }),
  });
  for (const id of overdue)
    await change(context, id, (known) => endEarly(context, known, "expired", "not-verified"));
  return overdue.length;
}

/** Cancels what is open and closes the request. */
function endEarly(
  context: HeedContext,
  { request, steps, allSteps, record, forgotten, now }: Found,
  state: "withdrawn" | "denied" | "expired",
  because: string | null,
): Change {
  if (request.right === "withdrawal" && request.state !== "awaiting_verification")
    throw new ConflictError(
      "A withdrawal is recorded at once, and cannot be refused. To take it back, record a new consent.",
      { code: "too-late" },
    );
  if (steps.some(hasRun))
    throw new ConflictError("Something was already carried out; this request can only go on.", {
      code: "too-late",
    });
  // What waits for a human, waits no longer.
  const open = steps.filter((step) => step.endedAt === null || isParked(step));
  const digests = JSON.parse(request.subjectDigests) as string[];
  const released = stepsToRelease(allSteps.filter((step) => step.requestId !== request.id));
  const cancelled = {
    state: "cancelled",
    because: `request-${state}`,
    endedAt: now,
    dueAt: null,
    leaseUntil: null,
  };
  return {
    writes: [
      { update: "steps", where: { id: released }, set: { state: "due", dueAt: now } },
      { update: "steps", where: { id: open.map((step) => step.id) }, set: cancelled },
      ...open.map((step) => stepEvidence(context, { ...step, ...cancelled }, digests, now)),
      ...notKeptOut(context, request, steps, record, now),
      ...closingWrites(context, request, state, now, because),
      ...forgotten,
    ],
    state,
  };
}

/**
 * Whoever takes an objection back may be there again, unless an earlier one keeps them out: what they chose meanwhile is
 * told there.
 */
function notKeptOut(
  context: HeedContext,
  { id, recipient }: Row<"requests">,
  steps: readonly Row<"steps">[],
  record: SubjectRecord | undefined,
  now: string,
): readonly Write[] {
  const [{ createdAt: begunAt } = { createdAt: "" }] = steps;
  if (recipient === null || record === undefined || begunAt === "") return [];
  const isOwn = (step: Row<"steps">) => step.requestId === id;
  const kept = record.silences.filter((row) => keepsOut(row, recipient));
  // What took somebody out whose addresses are known is written down beside these: steps alone say nothing of a lift.
  const isKeptBefore =
    kept.length > 0
      ? kept.some((row) => row.at < begunAt)
      : record.exclusions.some((step) => step.processor === recipient && !isOwn(step));
  if (isKeptBefore) return [];
  const without = { ...record, openSteps: record.openSteps.filter((step) => !isOwn(step)) };
  const again = letSubjectIn(context, without, recipient, now);
  const told = record.frozenBy === null ? standingSteps(context, again.record, recipient, now) : [];
  return [...again.writes, ...stepWrites(told)];
}

/** Whether anything was carried out for the step, ever: trying it again forgets none of this. */
function hasRun(step: Row<"steps">): boolean {
  const isPlannedEnd = step.attempt === 0;
  return (
    step.attempted === 1 ||
    step.ranAt !== null ||
    step.phase === "verify" ||
    step.state === "acknowledged" ||
    (step.outcome !== null && !isPlannedEnd)
  );
}

/**
 * Tries failed and manual steps again from the start, for example when credentials were mended.
 *
 * @throws ConflictError `nothing-to-retry`
 */
export function retrySteps(context: HeedContext, id: string): Promise<{ state: RequestState }> {
  return change(context, id, ({ request, steps, allSteps, now }) => {
    const parked = steps.filter(isParked);
    if (parked.length === 0) {
      throw new ConflictError("No step of this request failed or went to a human.", {
        code: "nothing-to-retry",
      });
    }
    return { ...reviveSteps(context, parked, request, allSteps, now), state: "executing" };
  });
}
