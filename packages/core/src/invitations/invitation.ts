import type { Policy } from "../policy/policy.ts";
import type { Row } from "../contract/tables.ts";
import { hasSaidNo } from "../ledger/choice.ts";
import type { LedgerEvent, OneScope } from "../ledger/event.ts";
import type { RequestRight } from "../requests/lifecycle.ts";
import type { InvitationKind } from "./invitation-token.ts";

export type InvitationAnswer = "yes" | "no";

/** Where an invitation stands. */
export type InvitationState =
  /** It waits for an answer. */
  | "open"
  | "answered"
  /** Nobody answered in time. */
  | "expired"
  /**
   * A yes counts no more: the person said no since, was asked anew under another notice, or is being erased; or the
   * request goes on or has ended without it.
   */
  | "overtaken";

/** What a page needs to put an invitation to a person. Names nobody. */
export interface Invitation {
  readonly kind: InvitationKind;
  readonly state: InvitationState;
  /** RFC 3339. */
  readonly expiresAt: string;
  /** The topic or the purpose in the policy, and its `title` there; not of an `identity`, and not when only the token is left. */
  readonly name?: string;
  readonly title?: string;
  /** Of an `identity`: which right the request exercises. */
  readonly right?: RequestRight;
  /** The notice that the answer is about. */
  readonly noticeVersion?: string;
  /** What counts, once it is answered. */
  readonly answer?: InvitationAnswer;
}

/** What an invitation asks about. */
export const aboutOf = (request: LedgerEvent): OneScope => ({
  scope: request.scope === "purpose" ? "purpose" : "topic",
  name: request.name ?? "",
});

/** What people call a topic or purpose. */
export function titleOf(policy: Policy, { scope, name }: OneScope): string {
  return (scope === "topic" ? policy.topics : policy.purposes)[name]?.title ?? name;
}

/**
 * Where an invitation to opt in stands.
 *
 * @param request the event that asked
 * @param events all of the subject's
 */
export function stateIn(
  policy: Policy,
  row: Row<"invitations">,
  request: LedgerEvent,
  events: readonly LedgerEvent[],
  now: string,
): InvitationState {
  if (row.answeredAt !== null) return "answered";
  if (row.expiresAt <= now) return "expired";
  const about = aboutOf(request);
  const isCovered = Object.hasOwn(about.scope === "topic" ? policy.topics : policy.purposes, about.name);
  if (!isCovered || hasSaidNo(policy, about, events, request.effectiveAt)) return "overtaken";
  const isAskedAnew = row.kind === "renewal" && events.some((each) => isLaterAsk(each, request));
  return isAskedAnew ? "overtaken" : "open";
}

function isLaterAsk(event: LedgerEvent, than: LedgerEvent): boolean {
  return (
    event.kind === "requested" &&
    event.scope === than.scope &&
    event.name === than.name &&
    event.recordedAt > than.recordedAt
  );
}
