import { randomUUID } from "node:crypto";
import type { HeedContext } from "../context.ts";
import type { Decision, Write } from "../contract/storage.ts";
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
  /** False when the same request of the same person was open already. */
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
 * Opens a request, or finds the open one of the same right. When identity is established its plan is made
 * and, for an erasure, the subject is frozen and silenced, in the same transaction.
 */
export async function openRequest(context: HeedContext, named: Named, asked: Asked): Promise<OpenedRequest> {
  const id = randomUUID();
  const addresses = suppressionLookups(context, named.identifiers);
  const { opened, revoked } = await transactOnSubjects(context, {
    select: { digests: named.digests.flat() },
    read: {
      requests: {
        from: "requests",
        where: {
          subjectId: { via: "identifiers", column: "subjectId", where: { digest: named.digests.flat() } },
          right: asked.right,
          closedAt: { isNull: true },
        },
      },
    },
    decide: (records, { requests }, now): Decision<{ opened: OpenedRequest; revoked: readonly string[] }> => {
      const same = requests.find(
        (request) => request.right !== "withdrawal" || request.purpose === (asked.purpose ?? null),
      );
      if (same !== undefined) {
        const opened = { id: same.id, state: same.state as RequestState, dueOn: same.dueOn, changed: false };
        return { writes: [], answer: { opened, revoked: [] } };
      }
      const verified = asked.identity !== "unverified";
      const { record, writes } = findSubject(context, records, named, verified, now);
      const receivedAt = asked.receivedAt !== undefined && asked.receivedAt < now ? asked.receivedAt : now;
      const deadline = deadlineOf(context.policy.controller, receivedAt);
      const request: Row<"requests"> = {
        id,
        namespace: context.namespace,
        subjectId: record.id,
        right: asked.right,
        purpose: asked.purpose ?? null,
        identity: asked.identity,
        state: "awaiting_verification",
        regime: deadline.regime,
        receivedAt,
        dueAt: deadline.dueAt,
        dueOn: deadline.dueOn,
        named: JSON.stringify(named.digests.flat()),
        subjectDigests: JSON.stringify(
          evidenceDigests(context, identifiersOf(record.dataKey, record.identifiers)),
        ),
        because: null,
        closedAt: null,
      };
      const begun = verified
        ? beginRequest(context, record, request, now)
        : { request, writes: [], revoked: [] };
      return {
        writes: [
          ...writes,
          // Whoever asks, wants an answer.
          ...(asked.right === "erasure" ? comeBack(addresses) : []),
          { insert: "requests", row: begun.request },
          requestEvidence(context, request, now),
          ...begun.writes,
        ],
        answer: {
          opened: { id, state: begun.request.state as RequestState, dueOn: request.dueOn, changed: true },
          revoked: begun.revoked,
        },
      };
    },
  });
  context.livePermits.revoke(revoked);
  if (opened.changed) context.hub.emit("request.opened", { requestId: opened.id, right: asked.right });
  return opened;
}

/** Identity is established: plan the steps, and for an erasure freeze and silence the subject. */
export function beginRequest(
  context: HeedContext,
  record: SubjectRecord,
  request: Row<"requests">,
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
      : beginPlan(context, record, request, key, now);
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
  key: Uint8Array,
  now: string,
): Begun {
  const isErasure = request.right === "erasure";
  const cancelled = isErasure ? cancelOpenSteps(record, now) : { writes: [], stillOpen: record.openSteps };
  const rows = stepRows(context, { ...record, openSteps: cancelled.stillOpen }, planOf(context, request), {
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
 * Preferences still on their way are overtaken by the erasure; what a worker holds is let end, and ends as
 * cancelled. Steps of another request go on: the person asked for that too.
 */
function cancelOpenSteps(
  record: SubjectRecord,
  now: string,
): { writes: readonly Write[]; stillOpen: SubjectRecord["openSteps"] } {
  const overtaken = record.openSteps.filter((step) => step.requestId === null);
  return {
    stillOpen: record.openSteps.filter((step) => step.requestId !== null || step.state === "running"),
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
