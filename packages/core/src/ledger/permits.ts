import type { HeedContext } from "../context.ts";
import { parseIdentifier } from "../contract/parse-identifier.ts";
import type { PermitAnswer, Permits, Refusal, SendOutcome } from "../contract/permit.ts";
import type { Decision, Write } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { InvalidInputError } from "../errors/invalid-input-error.ts";
import { farewellPermit } from "../farewell/farewell-permit.ts";
import { keyReads, refuseUnknownKeys } from "../keys/known-keys.ts";
import { withIdentifiers } from "./identifiers.ts";
import { issueLink, newReference, referenceOf } from "./links.ts";
import type { Named } from "./name-subject.ts";
import { refusalOf } from "./refusal.ts";
import { isReturnTag, newReturnTag } from "./return-tag.ts";
import { newSubject } from "./subject-record.ts";
import { silencedAt } from "./suppression.ts";
import { lockNames, transactOnLedgers } from "./under-lock.ts";

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
  const farewell = await farewellPermit(context, ask, identifier, topic.class);
  if (farewell !== undefined) return farewell;
  // Somebody may have said no to it in what was lost. A password reset or an invoice silences nobody.
  const isSilenceable = topic.class === "marketing" || topic.class === "service";
  if (isSilenceable && (await context.journaled?.isHeld()) === true)
    return { allowed: false, because: "restore-needed" };
  const newTag = newReturnTag();
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
      reports: { from: "reports", where: { address: digests } },
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
    decide: (records, rows, now): Decision<{ because: Refusal } | Taken> => {
      refuseUnknownKeys(context.keys, rows);
      const record = records[0];
      const because = refusalOf(context, ask.topic, topic, record, rows, now);
      if (because !== undefined) return { writes: [], answer: { because } };
      const writes: Write[] = rows.taken.map((row) => ({ remove: "permits", where: { id: row.id } }));
      const address = record?.identifiers.find((row) => digests.includes(row.digest))?.digest ?? digests[0];
      const taken = repeatOf(rows.taken) ?? { id: newTag, repeats: null };
      const isMarketing = topic.class === "marketing";
      // Somebody mailed without having been asked (legitimate interest) must be able to say no, everywhere.
      const isToKnow = isMarketing || topic.class === "service";
      const permit: Row<"permits"> = {
        ...taken,
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
        suppression: record === undefined && !isToKnow ? suppressed[0] : null,
      };
      writes.push({ insert: "permits", row: permit });
      if (!isToKnow || (record !== undefined && !isMarketing)) return { writes, answer: taken };
      const known = isMarketing ? referenceOf(record, rows.references)?.id : undefined;
      if (known !== undefined) return { writes, answer: { ...taken, reference: known } };
      const created = record === undefined ? newSubject(context, now) : { record, writes: [] };
      const extended = withIdentifiers(context, created.record, named, false, now);
      writes.push(...created.writes, ...extended.writes);
      if (!isMarketing) return { writes, answer: taken };
      const reference = newReference(context, created.record, identifier, address);
      writes.push({ insert: "references", row: reference });
      return { writes, answer: { ...taken, reference: reference.id } };
    },
  });

  if ("because" in answer) return { allowed: false, because: answer.because };
  const held: Held = {
    id: answer.id,
    repeats: answer.repeats,
    signal: context.livePermits.open(answer.id),
    digests,
    suppressed,
  };
  return {
    allowed: true,
    class: topic.class,
    signal: held.signal,
    returnTag: held.id,
    ...(answer.reference === undefined
      ? {}
      : { unsubscribeToken: issueLink(context, answer.reference, ask.topic) }),
    handOver: () => handOver(context, held),
    settle: (outcome) => settle(context, held, outcome),
  };
}

/** Which permit it is: a message that is repeated keeps its id, and only the newest permit of it is worth anything. */
interface Taken extends Pick<Row<"permits">, "id" | "repeats"> {
  /** What its unsubscribe token points to. */
  readonly reference?: string;
}

/** A permit in somebody's hands. */
interface Held extends Pick<Row<"permits">, "id" | "repeats"> {
  readonly signal: AbortSignal;
  readonly digests: readonly string[];
  readonly suppressed: readonly string[];
}

/** A message that may have arrived is the same message again: mail clients show what has one Message-ID once. */
function repeatOf(taken: readonly Row<"permits">[]): Taken | undefined {
  const before = taken.find(({ outcome, repeats }) => outcome === "unknown" || repeats !== null);
  if (before === undefined) return undefined;
  return { id: isReturnTag(before.id) ? before.id : newReturnTag(), repeats: (before.repeats ?? 0) + 1 };
}

/** Given to handing-over, once, under the same locks as every opt-out, whichever key it goes by. */
async function handOver(
  context: HeedContext,
  { id, repeats, signal, digests, suppressed }: Held,
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
      const permit = permits.find((row) => row.repeats === repeats);
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
  if (!granted) context.livePermits.end(id, signal);
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
  { id, repeats, signal, digests }: Held,
  outcome: SendOutcome,
): Promise<void> {
  if (typeof outcome !== "string" || !Object.hasOwn(outcomes, outcome)) {
    throw new InvalidInputError(
      `permit.settle records one of these outcomes, and no text: ${Object.keys(outcomes).join(", ")}.`,
      { issues: [{ path: "outcome", message: "unknown outcome" }] },
    );
  }
  context.livePermits.close(id, signal);
  await context.storage.transact({
    lock: lockNames({ addresses: digests }),
    clock: context.clock,
    read: { permits: { from: "permits", where: { id } } },
    decide: ({ permits }, now): Decision<void> => {
      const permit = permits.find((row) => row.repeats === repeats);
      if (permit === undefined || permit.settledAt !== null) return { writes: [], answer: undefined };
      const state = permit.state === "revoked" ? "revoked" : "settled";
      return {
        writes: [{ update: "permits", where: { id }, set: { state, settledAt: now, outcome } }],
        answer: undefined,
      };
    },
  });
}
