import type { HeedContext } from "../context.ts";
import type { Decision, Write } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { newDataKey } from "../keys/sealed.ts";
import { stepWrites } from "../ledger/choice-event.ts";
import { isOptOut, type EventKind, type Scope } from "../ledger/event.ts";
import { revokePermits } from "../ledger/revoke-permits.ts";
import { transactOnSubjects } from "../ledger/under-lock.ts";
import { isExcludedFrom } from "../ledger/kept-out.ts";
import type { SubjectRecord } from "../ledger/subject-record.ts";
import { letInAt } from "../ledger/suppression.ts";
import { beginRequest } from "../requests/begin-request.ts";
import { closingWrites } from "../requests/close-request.ts";
import { hasPlan } from "../requests/lifecycle.ts";
import { openRequestsOf } from "../requests/open-request.ts";
import { preferenceSteps } from "../requests/plan.ts";
import { standingSteps } from "../requests/tell-standing.ts";
import { knownRecords } from "./journal-position.ts";

/**
 * Plans the steps of whatever was brought back: processors are told of the choices once more, erasures and
 * other open requests are carried out once more. Each in a transaction that also crosses it off. Another
 * controller's in the same storage are left for that controller's own restoration: it has another policy.
 *
 * @returns how many were left
 */
export async function planRestored(context: HeedContext): Promise<number> {
  const { unplanned } = await knownRecords(context.storage, context.clock);
  let left = 0;
  // Choices first: an erasure cancels what it overtakes.
  for (const row of unplanned.toSorted((one, other) => one.kind.localeCompare(other.kind))) {
    const { subjectId, namespace } = await ownerNow(context, row);
    if (namespace !== undefined && namespace !== context.namespace) left += 1;
    else if (row.kind === "choice") await planChoice(context, row, subjectId);
    else await planRequest(context, row, subjectId);
  }
  return left;
}

/** Whose it is now, and which controller's. A choice was moved with its subject; a request says it itself. */
function ownerNow(
  context: HeedContext,
  { id, kind, subjectId }: Row<"restored">,
): Promise<{ readonly subjectId: string; readonly namespace: string | undefined }> {
  return context.storage.transact({
    lock: [],
    clock: context.clock,
    read: {
      requests: { from: "requests", where: { id } },
      subjects: { from: "subjects", where: { id: subjectId } },
    },
    decide: ({ requests, subjects }) => {
      const [request] = requests;
      const [subject] = subjects;
      const answer =
        kind === "request"
          ? { subjectId: request?.subjectId ?? subjectId, namespace: request?.namespace }
          : { subjectId, namespace: subject?.namespace };
      return { writes: [], answer };
    },
  });
}

const crossedOff = ({ id, subjectId }: Row<"restored">): Write => ({
  remove: "restored",
  where: { id, subjectId },
});

async function planChoice(context: HeedContext, row: Row<"restored">, subjectId: string): Promise<void> {
  await transactOnSubjects(context, {
    select: { subjectId },
    read: {
      told: { from: "steps", where: { eventId: row.id, subjectId } },
      requests: { from: "requests", where: { subjectId, right: "withdrawal", closedAt: { isNull: true } } },
      ofRequests: { from: "steps", where: openRequestsOf(subjectId) },
    },
    decide: ([record], { told, requests, ofRequests }, now): Decision<void> => {
      const event = record?.events.find((each) => each.id === row.id);
      if (record === undefined || event === undefined || told.length > 0)
        return { writes: [crossedOff(row)], answer: undefined };
      const scope = { scope: event.scope, name: event.name } as Scope;
      // A withdrawal that was asked for as a request is fulfilled by the steps of its event.
      const request = requests.find(
        (each) => event.method === "request" && !ofRequests.some((step) => step.requestId === each.id),
      );
      const key = newDataKey();
      const plan = preferenceSteps(context, record, { kind: event.kind as EventKind, scope }, event, {
        isWhole: true,
        ...(request === undefined ? {} : { request: { id: request.id, key } }),
      });
      const stop = isOptOut(event.kind) ? revokePermits(context, record, scope, now).writes : [];
      const keyWrites: readonly Write[] =
        request === undefined
          ? []
          : [
              {
                insert: "dataKeys",
                row: { owner: request.id, ...context.keys.wrap(key, request.id) },
                orKeep: true,
              },
            ];
      return {
        writes: [...keyWrites, ...stop, ...stepWrites(plan.rows), crossedOff(row)],
        answer: undefined,
      };
    },
  });
}

async function planRequest(context: HeedContext, row: Row<"restored">, subjectId: string): Promise<void> {
  await transactOnSubjects(context, {
    select: { subjectId },
    read: {
      requests: { from: "requests", where: { id: row.id } },
      requestSteps: { from: "steps", where: openRequestsOf(subjectId) },
    },
    decide: ([record], { requests, requestSteps }, now): Decision<void> => {
      const [request] = requests;
      const isPlanned =
        request === undefined ||
        record === undefined ||
        request.closedAt !== null ||
        request.state === "awaiting_verification" ||
        !hasPlan(request.right) ||
        requestSteps.some((step) => step.requestId === request.id);
      if (isPlanned) return { writes: [crossedOff(row)], answer: undefined };
      const { recipient } = request;
      if (recipient !== null && isLetIn(record, recipient)) {
        const steps = standingSteps(context, record, recipient, now);
        return {
          writes: [
            ...closingWrites(context, request, "withdrawn", now, "lifted"),
            ...stepWrites(steps),
            crossedOff(row),
          ],
          answer: undefined,
        };
      }
      const begun = beginRequest(context, record, request, requestSteps, now);
      return {
        writes: [
          { update: "requests", where: { id: row.id }, set: { state: begun.request.state } },
          ...begun.writes,
          crossedOff(row),
        ],
        answer: undefined,
      };
    },
  });
}

/** Whether an objection that was lost had been lifted by then: its record comes before that of its end. */
function isLetIn(record: SubjectRecord, recipient: string): boolean {
  return letInAt(record.silences, recipient) !== undefined && !isExcludedFrom(record, recipient);
}
