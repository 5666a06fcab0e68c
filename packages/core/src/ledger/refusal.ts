import type { HeedContext } from "../context.ts";
import type { Refusal, TopicClass } from "../contract/permit.ts";
import type { Row } from "../contract/tables.ts";
import { basesOf, type Topic } from "../policy/policy.ts";
import { topicState } from "./choice.ts";
import type { ConsentState } from "./consent-fold.ts";
import { isOptOut } from "./event.ts";
import { isUndeliverable } from "./reports.ts";
import type { SubjectLedger } from "./subject-record.ts";
import { erasedAt, silencedAt } from "./suppression.ts";

/** A permit that was taken but never handed over is void after this long, so that a crash does not block its message. */
const abandonedAfterMs = 15 * 60_000;

/** What a permit hangs on, besides who the person is. */
interface Rows {
  readonly suppressions: readonly Row<"suppressions">[];
  /** Permits of the same message to the same address. */
  readonly taken: readonly Row<"permits">[];
  readonly reports: readonly Row<"reports">[];
  readonly requests: readonly Row<"requests">[];
}

/** Why not, or undefined: class × {consent, suppression, freeze} × somebody to reach × message key unused. */
export function refusalOf(
  context: HeedContext,
  name: string,
  topic: Topic,
  record: SubjectLedger | undefined,
  { suppressions, taken, reports, requests }: Rows,
  now: string,
): Refusal | undefined {
  const isFrozen = record !== undefined && record.frozenBy !== null;
  if (isFrozen && topic.class === "marketing") return "frozen";
  // Somebody erased who asks for something again must be answerable; nothing else may reach them.
  const isAnswerable = topic.class === "legal" && requests.length > 0;
  if (erasedAt(suppressions, record) !== undefined && !isAnswerable) return "erased";
  const consent = consentRefusal(context, name, topic, record, suppressions, now);
  if (consent !== undefined) return consent;
  // What somebody is waiting for is tried all the same: a mailbox may be there again.
  if (topic.class !== "transactional" && isUndeliverable(reports, record?.events ?? [], now))
    return "undeliverable";
  return taken.every((permit) => mayTakeAgain(permit, topic.class, now)) ? undefined : "already-sent";
}

function consentRefusal(
  context: HeedContext,
  name: string,
  topic: Topic,
  record: SubjectLedger | undefined,
  suppressions: readonly Row<"suppressions">[],
  now: string,
): Refusal | undefined {
  const events = record?.events ?? [];
  const state = topicState(context.policy, name, events, now);
  const isGiven = state.state === "given";
  if (topic.subscribersOnly === true && !isGiven && !saidNo(state, events)) return "not-given";
  if (topic.class === "transactional" || topic.class === "legal")
    return topic.subscribersOnly === true && !isGiven ? "suppressed" : undefined;
  const purpose = context.policy.purposes[topic.purpose];
  const needsConsent = purpose === undefined || basesOf(purpose).every((basis) => basis === "consent");
  if (topic.class === "service") {
    if (state.state === "not-given") return "suppressed";
    return needsConsent && !isGiven ? "not-given" : undefined;
  }
  const silenced = silencedAt(suppressions, { name, purpose: topic.purpose });
  if (silenced !== undefined && !(isGiven && state.since > silenced)) return "suppressed";
  // An opt-out from marketing is an objection as well (GDPR Art. 21(3)): no other basis revives it.
  if (state.state === "not-given") return "suppressed";
  return needsConsent && !isGiven ? "not-given" : undefined;
}

/** Whether it was the person who ended it, and not the end of what they had subscribed to. */
function saidNo(state: ConsentState, events: SubjectLedger["events"]): boolean {
  return events.some((event) => event.id === state.by && isOptOut(event.kind));
}

/**
 * A message that surely did not leave may be tried again under its key. One that may have left is repeated once,
 * under the tag that it had, unless it is marketing: twice is worse than never there.
 */
function mayTakeAgain(permit: Row<"permits">, as: TopicClass, now: string): boolean {
  if (permit.outcome === "not-sent" || permit.outcome === "deferred") return true;
  if (permit.outcome === "unknown")
    return permit.class !== "marketing" && as !== "marketing" && permit.repeats === null;
  return permit.state === "given" && Date.parse(now) - Date.parse(permit.takenAt) > abandonedAfterMs;
}
