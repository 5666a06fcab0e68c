import { randomBytes, randomUUID } from "node:crypto";
import type { HeedContext } from "../context.ts";
import { parseIdentifier } from "../contract/parse-identifier.ts";
import type { PermitAnswer, Permits, Refusal, SendOutcome } from "../contract/permit.ts";
import type { Decision, Write } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { InvalidInputError } from "../errors/invalid-input-error.ts";
import { keyReads, refuseUnknownKeys } from "../keys/known-keys.ts";
import { basesOf, type Topic } from "../policy/policy.ts";
import { topicState } from "./choice.ts";
import { withIdentifiers } from "./identifiers.ts";
import { issueLink } from "./links.ts";
import { suppressionDigests, type Named } from "./name-subject.ts";
import { newSubject, type SubjectLedger } from "./subject-record.ts";
import { erasedAt, silencedAt } from "./suppression.ts";
import { lockNames, transactOnLedgers } from "./under-lock.ts";

/** A permit that was taken but never handed over is void after this long, so that a crash does not block its message. */
const abandonedAfterMs = 15 * 60_000;

/** The gate before every message: see `Permits` in the contract. */
export function permitsOf(context: HeedContext): Permits {
  return { take: (ask) => takePermit(context, ask) };
}

async function takePermit(
  context: HeedContext,
  ask: { topic: string; email: string; messageKey: string },
): Promise<PermitAnswer> {
  const identifier = parseIdentifier("email", ask.email);
  const topic = Object.hasOwn(context.policy.topics, ask.topic)
    ? context.policy.topics[ask.topic]
    : undefined;
  if (topic === undefined) return { allowed: false, because: "topic-not-covered" };
  if (typeof ask.messageKey !== "string" || ask.messageKey === "") {
    throw new InvalidInputError(
      "A permit needs a messageKey: it says which message this is, so that it goes out once.",
      {
        issues: [{ path: "messageKey", message: "missing" }],
      },
    );
  }
  // Somebody may have said no to it in what was lost. A password reset or an invoice silences nobody.
  const isSilenceable = topic.class === "marketing" || topic.class === "service";
  if (isSilenceable && (await context.journaled?.isHeld()) === true)
    return { allowed: false, because: "restore-needed" };
  const id = randomUUID();
  const digests = context.keys.digests("index", context.namespace, identifier.kind, identifier.canonical);
  const named: Named = { identifiers: [identifier], digests: [digests] };
  const messages = context.keys.digests("message", context.namespace, ask.messageKey);
  const suppressed = context.keys.digests(
    "suppression",
    context.namespace,
    identifier.kind,
    identifier.canonical,
  );

  const answer = await transactOnLedgers(context, {
    select: { digests },
    read: {
      suppressions: { from: "suppressions", where: { digest: suppressed } },
      taken: { from: "permits", where: { address: digests, message: messages } },
      references: { from: "references", where: { address: digests } },
      requests: {
        from: "requests",
        where: {
          subjectId: { via: "identifiers", column: "subjectId", where: { digest: digests } },
          closedAt: { isNull: true },
        },
      },
      ...keyReads(context.keys),
    },
    decide: (records, rows, now): Decision<{ because: Refusal } | { reference: string | undefined }> => {
      refuseUnknownKeys(context.keys, rows);
      const record = records[0];
      const because = refusalOf(context, ask.topic, topic, record, rows, now);
      if (because !== undefined) return { writes: [], answer: { because } };
      const writes: Write[] = rows.taken.map((row) => ({ remove: "permits", where: { id: row.id } }));
      const address = record?.identifiers.find((row) => digests.includes(row.digest))?.digest ?? digests[0];
      const permit: Row<"permits"> = {
        id,
        address,
        message: messages[0],
        topic: ask.topic,
        class: topic.class,
        state: "given",
        takenAt: now,
        handedOverAt: null,
        settledAt: null,
        outcome: null,
        optedOutAt: null,
      };
      writes.push({ insert: "permits", row: permit });
      const isMarketing = topic.class === "marketing";
      const ofSubject = rows.references.find((row) => row.subjectId !== null && row.subjectId === record?.id);
      const known = isMarketing ? ofSubject?.id : undefined;
      const canSayNo = isMarketing ? known !== undefined : topic.class !== "service" || record !== undefined;
      if (canSayNo) return { writes, answer: { reference: known } };
      // Somebody mailed without having been asked (legitimate interest) must be able to say no, everywhere.
      const created = record === undefined ? newSubject(context, now) : { record, writes: [] };
      const extended = withIdentifiers(context, created.record, named, false, now);
      writes.push(...created.writes, ...extended.writes);
      if (!isMarketing) return { writes, answer: { reference: undefined } };
      const reference: Row<"references"> = {
        id: randomBytes(16).toString("base64url"),
        address,
        subjectId: created.record.id,
        suppressions: JSON.stringify(suppressionDigests(context, [identifier])),
      };
      writes.push({ insert: "references", row: reference });
      return { writes, answer: { reference: reference.id } };
    },
  });

  if ("because" in answer) return { allowed: false, because: answer.because };
  const signal = context.livePermits.open(id);
  return {
    allowed: true,
    class: topic.class,
    signal,
    ...(answer.reference === undefined
      ? {}
      : { unsubscribeToken: issueLink(context, answer.reference, ask.topic) }),
    handOver: () => handOver(context, id, digests, suppressed),
    settle: (outcome) => settle(context, id, digests, outcome),
  };
}

/** Why not, or undefined: class × {consent, suppression, freeze} × message key unused. */
function refusalOf(
  context: HeedContext,
  name: string,
  topic: Topic,
  record: SubjectLedger | undefined,
  rows: {
    readonly suppressions: readonly Row<"suppressions">[];
    readonly taken: readonly Row<"permits">[];
    readonly requests: readonly Row<"requests">[];
  },
  now: string,
): Refusal | undefined {
  const { suppressions, taken, requests } = rows;
  const isFrozen = record !== undefined && record.frozenBy !== null;
  if (isFrozen && topic.class === "marketing") return "frozen";
  // Somebody erased who asks for something again must be answerable; nothing else may reach them.
  const isAnswerable = topic.class === "legal" && requests.length > 0;
  if (erasedAt(suppressions, record) !== undefined && !isAnswerable) return "erased";
  const consent = consentRefusal(context, name, topic, record, suppressions, now);
  if (consent !== undefined) return consent;
  return taken.every((permit) => isReusable(permit, now)) ? undefined : "already-sent";
}

function consentRefusal(
  context: HeedContext,
  name: string,
  topic: Topic,
  record: SubjectLedger | undefined,
  suppressions: readonly Row<"suppressions">[],
  now: string,
): Refusal | undefined {
  if (topic.class === "transactional" || topic.class === "legal") return undefined;
  const purpose = context.policy.purposes[topic.purpose];
  const needsConsent = purpose === undefined || basesOf(purpose).every((basis) => basis === "consent");
  const state = topicState(context.policy, name, record?.events ?? [], now);
  if (topic.class === "service") {
    if (state.state === "not-given") return "suppressed";
    return needsConsent && state.state !== "given" ? "not-given" : undefined;
  }
  const silenced = silencedAt(suppressions, { name, purpose: topic.purpose });
  if (silenced !== undefined && !(state.state === "given" && state.since > silenced)) return "suppressed";
  // An opt-out from marketing is an objection as well (GDPR Art. 21(3)): no other basis revives it.
  if (state.state === "not-given") return "suppressed";
  return needsConsent && state.state !== "given" ? "not-given" : undefined;
}

/** A message that surely did not leave may be tried again under its key. */
function isReusable(permit: Row<"permits">, now: string): boolean {
  if (permit.outcome === "not-sent" || permit.outcome === "deferred") return true;
  return permit.state === "given" && Date.parse(now) - Date.parse(permit.takenAt) > abandonedAfterMs;
}

/** Given to handing-over, once, under the same locks as every opt-out, whichever key it goes by. */
async function handOver(
  context: HeedContext,
  id: string,
  digests: readonly string[],
  suppressed: readonly string[],
): Promise<boolean> {
  const granted = await context.storage.transact({
    lock: lockNames({ addresses: [...digests, ...suppressed] }),
    clock: context.clock,
    read: {
      permits: { from: "permits", where: { id } },
      suppressions: { from: "suppressions", where: { digest: suppressed } },
      ...keyReads(context.keys),
    },
    decide: (rows, now): Decision<boolean> => {
      const { permits, suppressions } = rows;
      const [permit] = permits;
      if (permit?.state !== "given") return { writes: [], answer: false };
      refuseUnknownKeys(context.keys, rows);
      // A link from before an erasure knows nobody whose permits it could revoke; it silences the address.
      const { purpose = "" } = context.policy.topics[permit.topic] ?? {};
      const silenced = silencedAt(suppressions, { name: permit.topic, purpose });
      if (permit.class === "marketing" && silenced !== undefined && silenced >= permit.takenAt)
        return { writes: [], answer: false };
      return {
        writes: [{ update: "permits", where: { id }, set: { state: "handing-over", handedOverAt: now } }],
        answer: true,
      };
    },
  });
  if (!granted) context.livePermits.revoke([id]);
  return granted;
}

const outcomes = {
  accepted: true,
  rejected: true,
  deferred: true,
  "not-sent": true,
  unknown: true,
} as const satisfies Record<SendOutcome, true>;

async function settle(
  context: HeedContext,
  id: string,
  digests: readonly string[],
  outcome: SendOutcome,
): Promise<void> {
  if (typeof outcome !== "string" || !Object.hasOwn(outcomes, outcome)) {
    throw new InvalidInputError(
      `permit.settle records one of these outcomes, and no text: ${Object.keys(outcomes).join(", ")}.`,
      { issues: [{ path: "outcome", message: "unknown outcome" }] },
    );
  }
  context.livePermits.close(id);
  await context.storage.transact({
    lock: lockNames({ addresses: digests }),
    clock: context.clock,
    read: { permits: { from: "permits", where: { id } } },
    decide: ({ permits }, now): Decision<void> => {
      const permit = permits[0];
      if (permit === undefined || permit.settledAt !== null) return { writes: [], answer: undefined };
      const state = permit.state === "revoked" ? "revoked" : "settled";
      return {
        writes: [{ update: "permits", where: { id }, set: { state, settledAt: now, outcome } }],
        answer: undefined,
      };
    },
  });
}
