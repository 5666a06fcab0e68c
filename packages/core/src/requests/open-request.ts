import { randomUUID } from "node:crypto";
import type { HeedContext } from "../context.ts";
import type { Condition, Decision, WhereOf, Write } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { ConflictError } from "../errors/conflict-error.ts";
import { evidenceDigests, evidenceWrite } from "../evidence/evidence.ts";
import { newDataKey } from "../keys/sealed.ts";
import { findSubject } from "../ledger/find-subject.ts";
import type { Scope } from "../ledger/event.ts";
import { decideOptOut } from "../ledger/decide-opt-out.ts";
import { revokePermits } from "../ledger/revoke-permits.ts";
import {
  identifiersOf,
  suppressionDigests,
  suppressionLookups,
  type Named,
  type SubjectRecord,
} from "../ledger/subject-record.ts";
import { comeBack, suppress } from "../ledger/suppression.ts";
import { transactOnSubjects } from "../ledger/under-lock.ts";
import { deadlineOf } from "./deadline.ts";
import { closingWrites } from "./close-request.ts";
import { requestState, type Identity, type RequestRight, type RequestState } from "./lifecycle.ts";
import { erasurePlan, forgetTokensPlan, seqOf, stepRows, type PlannedStep } from "./plan.ts";

/** What `open` answers. */
export interface OpenedRequest {
  readonly id: string;
  readonly state: RequestState;
  /** Civil date by which it must be done. */
  readonly dueOn: string;
  /** False when the same request of the same person was open already, and waited for nothing that this call brought. */
  readonly changed: boolean;
}

/** What a request asks for. */
export interface Asked {
  readonly right: RequestRight;
  readonly identity: Identity;
  /** RFC 3339; when it reached the controller. The clock starts then. */
  readonly receivedAt?: string;
  /** For a withdrawal: the purpose, or everything. */
  readonly purpose?: string;
}

/**
 * Opens a request, or finds the open one of the same right that covers everything named. When identity is
 * established its plan is made and, for an erasure, the subject is frozen and silenced, in the same transaction;
 * one that waited for an identity is begun. A withdrawal needs no identity (GDPR Art. 7(3)).
 *
 * @throws ConflictError `two-subjects`, or `frozen` when an erasure runs that does not cover this
 */
export async function openRequest(context: HeedContext, named: Named, asked: Asked): Promise<OpenedRequest> {
  const id = randomUUID();
  const addresses = suppressionLookups(context, named.identifiers);
  const subjectIds = {
    via: "identifiers",
    column: "subjectId",
    where: { digest: named.digests.flat() },
  } as const;
  const { opened, revoked } = await transactOnSubjects(context, {
    select: { digests: named.digests.flat() },
    read: {
      requests: {
        from: "requests",
        where: {
          subjectId: subjectIds,
          right: asked.right,
          closedAt: { isNull: true },
        },
        orderBy: ["receivedAt", "id"],
      },
      requestSteps: { from: "steps", where: openRequestsOf(subjectIds) },
    },
    decide: (
      records,
      { requests, requestSteps },
      now,
    ): Decision<{ opened: OpenedRequest; revoked: readonly string[] }> => {
      const verified = asked.identity !== "unverified";
      const canBegin = verified || asked.right === "withdrawal";
      const alike = requests.filter(
        (request) => request.right !== "withdrawal" || request.purpose === (asked.purpose ?? null),
      );
      const isWaiting = (request: Row<"requests">) => request.state === "awaiting_verification";
      const waiting = canBegin ? alike.find(isWaiting) : undefined;
      const same = alike.find((each) => !(canBegin && isWaiting(each)) && covers(each, records, named));
      if (same !== undefined) {
        const opened = { id: same.id, state: same.state as RequestState, dueOn: same.dueOn, changed: false };
        return { writes: [], answer: { opened, revoked: [] } };
      }
      const isFrozen = records.some((each) => each.frozenBy !== null);
      // A withdrawal during an erasure marks nothing as shown: the erasure has its own list of what was.
      const marks = verified && !(isFrozen && asked.right === "withdrawal");
      const { record, writes } = findSubject(context, records, named, marks, now);
      const receivedAt = asked.receivedAt !== undefined && asked.receivedAt < now ? asked.receivedAt : now;
      const deadline = deadlineOf(context.policy.controller, receivedAt);
      const request: Row<"requests"> = {
        id: waiting?.id ?? id,
        namespace: context.namespace,
        subjectId: record.id,
        right: asked.right,
        purpose: asked.purpose ?? null,
        identity: asked.identity,
        state: "awaiting_verification",
        regime: waiting?.regime ?? deadline.regime,
        receivedAt: waiting?.receivedAt ?? receivedAt,
        dueAt: waiting?.dueAt ?? deadline.dueAt,
        dueOn: waiting?.dueOn ?? deadline.dueOn,
        named: JSON.stringify(named.digests.flat()),
        subjectDigests: JSON.stringify(
          evidenceDigests(context, identifiersOf(record.dataKey, record.identifiers)),
        ),
        because: null,
        closedAt: null,
      };
      const begun = canBegin
        ? beginRequest(context, record, request, requestSteps, now)
        : { request, writes: [], revoked: [] };
      return {
        writes: [
          ...writes,
          // Whoever asks, wants an answer.
          ...(asked.right === "erasure" && verified ? comeBack(addresses) : []),
          ...(waiting === undefined
            ? [{ insert: "requests", row: begun.request } as const, requestEvidence(context, request, now)]
            : [{ update: "requests", where: { id: request.id }, set: begun.request } as const]),
          ...begun.writes,
        ],
        answer: {
          opened: {
            id: request.id,
            state: begun.request.state as RequestState,
            dueOn: request.dueOn,
            changed: true,
          },
          revoked: begun.revoked,
        },
      };
    },
  });
  context.livePermits.revoke(revoked);
  if (opened.id === id) context.hub.emit("request.opened", { requestId: id, right: asked.right });
  else if (opened.changed) context.hub.emit("request.changed", { requestId: opened.id, state: opened.state });
  return opened;
}

/** The condition on steps that brings those of all open requests of the subjects. */
export function openRequestsOf(subjectId: Condition): WhereOf<"steps"> {
  const where = { subjectId, closedAt: { isNull: true } } as const;
  return { requestId: { via: "requests", column: "id", where } };
}

/** Whether the request goes by every identifier named: one that it would leave out was not asked for in it. */
function covers(request: Row<"requests">, records: readonly SubjectRecord[], named: Named): boolean {
  const shown = new Set(JSON.parse(request.named) as string[]);
  for (const record of records) {
    if (record.id !== request.subjectId) continue;
    for (const row of record.identifiers) if (row.verified === 1) shown.add(row.digest);
  }
  return named.digests.every((digests) => digests.some((digest) => shown.has(digest)));
}

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
    throw new ConflictError("An erasure of this person is under way. It covers what this request asks for.", {
      code: "frozen",
    });
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
    { id: request.id, key },
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
  const cancelled = isErasure ? cancelOpenSteps(record, now) : { writes: [], stillOpen: record.openSteps };
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
  return {
    rows,
    writes: [...cancelled.writes, ...silence.writes, ...rows.map((row): Write => ({ insert: "steps", row }))],
    revoked: silence.revoked,
  };
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
  record: SubjectRecord,
  now: string,
): { writes: readonly Write[]; stillOpen: SubjectRecord["openSteps"] } {
  const isOvertaken = (step: Row<"steps">) => step.requestId === null && step.operation !== "unsubscribe";
  const overtaken = record.openSteps.filter(isOvertaken);
  return {
    stillOpen: record.openSteps.filter((step) => !isOvertaken(step) || step.state === "running"),
    writes: overtaken.map((step): Write =>
      step.state === "running"
        ? { update: "steps", where: { id: step.id }, set: { cancel: 1 } }
        : {
            update: "steps",
            where: { id: step.id },
            set: { state: "cancelled", because: "erasure-requested", endedAt: now, dueAt: null },
          },
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

function requestEvidence(context: HeedContext, request: Row<"requests">, now: string): Write {
  return evidenceWrite(context, now, {
    kind: "request.opened",
    requestId: request.id,
    right: request.right,
    regime: request.regime,
    identity: request.identity,
    receivedAt: request.receivedAt,
    dueOn: request.dueOn,
    subject: JSON.parse(request.subjectDigests) as string[],
  });
}
