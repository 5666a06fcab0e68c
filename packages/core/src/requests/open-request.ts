import { randomUUID } from "node:crypto";
import type { HeedContext } from "../context.ts";
import type { Condition, Decision, WhereOf, Write } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { evidenceDigests, evidenceWrite } from "../evidence/evidence.ts";
import { isSilent } from "../ledger/choice.ts";
import type { Scope } from "../ledger/event.ts";
import { findSubject } from "../ledger/find-subject.ts";
import { identifiersOf } from "../ledger/identifiers.ts";
import { withSilences } from "../ledger/kept-out.ts";
import { suppressionLookups, type Named } from "../ledger/name-subject.ts";
import type { SubjectRecord } from "../ledger/subject-record.ts";
import { comeBack } from "../ledger/suppression.ts";
import { transactOnSubjects } from "../ledger/under-lock.ts";
import { allowedEvidence, allowEnding } from "./allow-ending.ts";
import { beginRequest } from "./begin-request.ts";
import { closingWrites } from "./close-request.ts";
import { ConflictError } from "../errors/conflict-error.ts";
import { openInquiry } from "./inquiry.ts";
import { noSuchRequest } from "./read-request.ts";
import { deadlineOf } from "./deadline.ts";
import type { EndsPaidService, Identity, RequestRight, RequestState } from "./lifecycle.ts";

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
  /** For an objection: where the person does not want to be. */
  readonly recipient?: string;
  /** For an inquiry: what it seems to be, as a slug. */
  readonly about?: string;
  /** The inquiry that turned out to be this: it ends, and its clock goes on here. */
  readonly follows?: string;
  /** Whether what the person pays for may be ended for it. */
  readonly endsPaidService?: EndsPaidService;
}

/**
 * Opens a request, or finds the open one of the same right that covers everything named. When identity is
 * established its plan is made and, for an erasure, the subject is frozen and silenced, in the same transaction;
 * one that waited for an identity is begun. A withdrawal needs no identity (GDPR Art. 7(3)). An inquiry waits for a human.
 *
 * @throws ConflictError `two-subjects`, `frozen` when an erasure runs that does not cover this; `not-an-inquiry`,
 *   `request-ended`, `another-subject` of what it follows
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
    needsEveryKey: asked.right !== "withdrawal",
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
      // An opt-in that waits for the end of an erasure.
      parked: { from: "parked", where: openRequestsOf(subjectIds) },
      silences: { from: "suppressions", where: { digest: addresses } },
      followed: {
        from: "requests",
        where: { id: asked.follows ?? [], namespace: context.namespace },
      },
    },
    decide: (
      records,
      { requests, requestSteps, parked, silences, followed },
      now,
    ): Decision<{ opened: OpenedRequest; revoked: readonly string[] }> => {
      const verified = asked.identity !== "unverified";
      const isInquiry = asked.right === "inquiry";
      const canBegin = verified || asked.right === "withdrawal";
      const alike = requests.filter(
        ({ purpose, recipient, about }) =>
          purpose === (asked.purpose ?? null) &&
          recipient === (asked.recipient ?? null) &&
          about === (asked.about ?? null),
      );
      const inquiry = asked.follows === undefined ? undefined : inquiryIn(followed, records);
      const answered =
        inquiry === undefined ? [] : closingWrites(context, inquiry, "fulfilled", now, asked.right);
      const isWaiting = (request: Row<"requests">) => request.state === "awaiting_verification";
      const waiting = canBegin ? alike.find(isWaiting) : undefined;
      // Whoever said yes since has a new no to say: the withdrawal that is under way knows nothing of it.
      const isNew =
        asked.right === "withdrawal" && (parked.length > 0 || !isWithdrawn(context, records, asked.purpose));
      const same = isNew
        ? undefined
        : alike.find((each) => !(canBegin && isWaiting(each)) && covers(each, records, named));
      const mayEnd = asked.endsPaidService === "allowed";
      if (same !== undefined) {
        const isMore = mayEnd && verified && same.endsPaidService !== "allowed";
        const steps = requestSteps.filter((step) => step.requestId === same.id);
        const writes = isMore ? allowEnding(context, same, steps, asked.identity, now) : [];
        const { id, state, dueOn } = same;
        const changed = isMore || inquiry !== undefined;
        const opened = { id, state: state as RequestState, dueOn, changed };
        return { writes: [...writes, ...answered], answer: { opened, revoked: [] } };
      }
      const isFrozen = records.some((each) => each.frozenBy !== null);
      // A withdrawal during an erasure marks nothing as shown: the erasure has its own list of what was.
      const marks = verified && !(isFrozen && asked.right === "withdrawal");
      const found = findSubject(context, records, named, marks, now);
      const { record, writes: silenced } = withSilences(context, found.record, named, silences);
      const receivedAt = firstOf(
        now,
        waiting === undefined ? asked.receivedAt : undefined,
        inquiry?.receivedAt,
      );
      const clock =
        waiting === undefined || receivedAt < waiting.receivedAt
          ? { receivedAt, ...deadlineOf(context.policy.controller, receivedAt) }
          : waiting;
      const request: Row<"requests"> = {
        id: waiting?.id ?? id,
        namespace: context.namespace,
        subjectId: record.id,
        right: asked.right,
        purpose: asked.purpose ?? null,
        recipient: asked.recipient ?? null,
        identity: asked.identity,
        state: isInquiry ? "awaiting_manual" : "awaiting_verification",
        regime: clock.regime,
        receivedAt: clock.receivedAt,
        dueAt: clock.dueAt,
        dueOn: clock.dueOn,
        named: JSON.stringify(named.digests.flat()),
        subjectDigests: JSON.stringify(
          evidenceDigests(context, identifiersOf(record.dataKey, record.identifiers)),
        ),
        because: null,
        closedAt: null,
        // What somebody unknown wished is no wish of whoever asks now.
        endsPaidService: mayEnd ? "allowed" : null,
        about: asked.about ?? null,
        madeSubject: records.length === 0 && !verified ? 1 : null,
      };
      const begun =
        canBegin && !isInquiry
          ? beginRequest(context, record, request, requestSteps, now)
          : { request, writes: [], revoked: [] };
      return {
        writes: [
          ...found.writes,
          ...silenced,
          // Whoever asks, wants an answer.
          ...(asked.right === "erasure" && verified ? comeBack(addresses, now) : []),
          ...(waiting === undefined
            ? [{ insert: "requests", row: begun.request } as const, requestEvidence(context, request, now)]
            : [{ update: "requests", where: { id: request.id }, set: begun.request } as const]),
          ...(mayEnd && canBegin ? [allowedEvidence(context, request, asked.identity, now)] : []),
          ...begun.writes,
          ...answered,
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
  if (asked.follows !== undefined)
    context.hub.emit("request.changed", { requestId: asked.follows, state: "fulfilled" });
  return opened;
}

/** The inquiry that a request follows. */
function inquiryIn([found]: readonly Row<"requests">[], records: readonly SubjectRecord[]): Row<"requests"> {
  if (found === undefined) throw noSuchRequest();
  const inquiry = openInquiry(found);
  if (records.some(({ id }) => id === inquiry.subjectId)) return inquiry;
  throw new ConflictError(
    "The inquiry came from somebody else. Name the identifier that it came by as well, or answer it by itself.",
    { code: "another-subject" },
  );
}

/** The earliest of some instants, some of which there are not. */
function firstOf(now: string, ...instants: readonly (string | undefined)[]): string {
  return instants.reduce<string>((first, at) => (at !== undefined && at < first ? at : first), now);
}

/** The condition on steps, or on what is parked, that brings those of all open requests of the subjects. */
export function openRequestsOf(subjectId: Condition): WhereOf<"steps"> & WhereOf<"parked"> {
  const where = { subjectId, closedAt: { isNull: true } } as const;
  return { requestId: { via: "requests", column: "id", where } };
}

/** Whether everybody named has said no to the purpose, or to all, and nothing else since. */
function isWithdrawn(
  { policy }: HeedContext,
  records: readonly SubjectRecord[],
  purpose: string | undefined,
): boolean {
  const scope: Scope =
    purpose === undefined ? { scope: "all", name: null } : { scope: "purpose", name: purpose };
  return records.every((record) => isSilent(policy, scope, record.events));
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
