import type { Policy } from "../policy/policy.ts";
import { isOptIn, isOptOut, type EventKind, type LedgerEvent, type OneScope, type Scope } from "./event.ts";
import { foldConsent, saidNoSince, type ConsentState } from "./consent-fold.ts";

/** The topics that a scope covers. `all` covers marketing: nobody unsubscribes from their invoices. */
export function topicsIn(policy: Policy, scope: Scope): readonly string[] {
  return Object.entries(policy.topics)
    .filter(([name, topic]) => {
      if (scope.scope === "topic") return name === scope.name;
      if (scope.scope === "purpose") return topic.purpose === scope.name;
      return topic.class === "marketing";
    })
    .map(([name]) => name);
}

/** The topics that a processor has. */
export function topicsVia(policy: Policy, processor: string): readonly string[] {
  return Object.keys(policy.topics).filter((topic) => policy.topics[topic]?.via?.includes(processor));
}

/** The state of one topic for one subject, as the policy's classes read the ledger. */
export function topicState(
  policy: Policy,
  topic: string,
  events: readonly LedgerEvent[],
  at: string,
): ConsentState {
  const { class: topicClass, purpose = "" } = policy.topics[topic] ?? {};
  return foldConsent(heard(events, topicClass === "marketing"), { purpose, topic }, at);
}

/** The state of a purpose by itself, apart from single topics. */
export function purposeState(
  policy: Policy,
  purpose: string,
  events: readonly LedgerEvent[],
  at: string,
): ConsentState {
  const isMarketing = hasMarketing(policy, { scope: "purpose", name: purpose });
  return foldConsent(heard(events, isMarketing), { purpose }, at);
}

/** Whether the person has said no to a topic or purpose at an instant (RFC 3339) or after it. */
export function hasSaidNo(
  policy: Policy,
  about: OneScope,
  events: readonly LedgerEvent[],
  since: string,
): boolean {
  const { scope, name } = about;
  const asked =
    scope === "purpose" ? { purpose: name } : { purpose: policy.topics[name]?.purpose ?? "", topic: name };
  return saidNoSince(since, heard(events, hasMarketing(policy, about)), asked);
}

/** "Unsubscribe from everything" is about marketing; it leaves service, transactional and legal mail alone. */
function heard(events: readonly LedgerEvent[], isMarketing: boolean): readonly LedgerEvent[] {
  return isMarketing ? events : events.filter((event) => event.scope !== "all");
}

function hasMarketing(policy: Policy, scope: Scope): boolean {
  return topicsIn(policy, scope).some((topic) => policy.topics[topic]?.class === "marketing");
}

/**
 * True when an opt-out of this scope tells nobody anything new: one at least as wide was recorded, and no
 * opt-in that it would end has come since.
 */
export function isSilent(policy: Policy, scope: Scope, events: readonly LedgerEvent[]): boolean {
  const purposeOf = (topic: string | null) => (topic === null ? undefined : policy.topics[topic]?.purpose);
  const topics = topicsIn(policy, scope);
  const isMarketing =
    topics.length > 0 && topics.every((topic) => policy.topics[topic]?.class === "marketing");
  const isAsWide = (event: LedgerEvent) =>
    (event.scope === "all" && isMarketing) ||
    (event.scope === scope.scope && event.name === scope.name) ||
    (event.scope === "purpose" && scope.scope === "topic" && event.name === purposeOf(scope.name));
  const overlaps = (event: LedgerEvent) =>
    scope.scope === "all" ||
    isAsWide(event) ||
    (event.scope === "topic" && scope.scope === "purpose" && purposeOf(event.name) === scope.name);
  const latest = (kinds: (kind: string) => boolean, where: (event: LedgerEvent) => boolean) =>
    events
      .filter((event) => kinds(event.kind) && where(event))
      .reduce((max, event) => (event.effectiveAt > max ? event.effectiveAt : max), "");
  const silencedAt = latest(isOptOut, isAsWide);
  return silencedAt !== "" && silencedAt >= latest(isOptIn, overlaps);
}

/** What a processor must be told after a choice: one step for each that holds one of the topics. */
export interface Propagation {
  readonly processor: string;
  readonly operation: "subscribe" | "unsubscribe";
  readonly topics: readonly string[] | "all";
}

/** Recipients to tell, with the topics of each. */
export function propagationOf(policy: Policy, kind: EventKind, scope: Scope): readonly Propagation[] {
  const operation = isOptOut(kind) ? "unsubscribe" : isOptIn(kind) ? "subscribe" : undefined;
  if (operation === undefined) return [];
  const topics = topicsIn(policy, scope);
  return Object.keys(policy.recipients).flatMap((processor): readonly Propagation[] => {
    const through = topics.filter((topic) => policy.topics[topic]?.via?.includes(processor));
    if (through.length === 0) return [];
    return [{ processor, operation, topics: scope.scope === "all" ? "all" : through }];
  });
}
