import { createHash } from "node:crypto";

/** One value that a property has had. */
export interface PropertyVersion {
  value: string;
  timestamp: string;
  sourceType: string;
}

/** A contact as the portal stores it. `properties.email` is the primary address, in lower case. */
export interface ContactRecord {
  readonly id: string;
  properties: Record<string, string>;
  /** Secondary addresses, shown as `hs_additional_emails`. */
  additionalEmails: string[];
  /** Ids of contacts merged into this one, shown as `hs_merged_object_ids`. */
  formerIds: string[];
  history: Record<string, PropertyVersion[]>;
  readonly createdAt: string;
  updatedAt: string;
  archivedAt?: string;
}

/** A note, call, e-mail, ticket, … It outlives the contacts it is associated with. */
export interface EngagementRecord {
  readonly id: string;
  /** As HubSpot's paths name it: `"notes"`, `"emails"`, `"tickets"`, … */
  readonly type: string;
  readonly body: string;
  contactIds: string[];
  readonly createdAt: string;
  /** In the recycle bin since then. */
  archivedAt?: string;
}

/** A static list of contacts. */
export interface ListRecord {
  readonly id: string;
  readonly name: string;
  contactIds: string[];
}

export type StatusState = "SUBSCRIBED" | "UNSUBSCRIBED" | "NOT_SPECIFIED";

/** What an address chose for one subscription type. */
export interface PreferenceRecord {
  readonly email: string;
  readonly subscriptionId: string;
  readonly status: StatusState;
  readonly at: string;
  readonly legalBasis?: string;
  readonly legalBasisExplanation?: string;
}

/** An address's opt-out of everything that one brand sends. */
export interface WideOptOutRecord {
  readonly email: string;
  readonly brandId: string;
  readonly at: string;
}

/** Everything that the portal holds about people. */
export interface PortalState {
  contacts: Map<string, ContactRecord>;
  engagements: Map<string, EngagementRecord>;
  lists: Map<string, ListRecord>;
  /** By address and subscription id. */
  preferences: Map<string, PreferenceRecord>;
  /** By address and brand id. */
  optOutsOfAll: Map<string, WideOptOutRecord>;
  /**
   * Where to look first, so that nobody looks through everything: ids of contacts under each address and former id
   * that they have or had, and of engagements and lists under each contact's id. What is found is looked at.
   */
  hints: Map<string, Set<string>>;
  /** SHA-256 of addresses: HubSpot keeps the blocklist without the addresses. */
  blocklist: Set<string>;
}

export function emptyState(): PortalState {
  return {
    contacts: new Map(),
    engagements: new Map(),
    lists: new Map(),
    preferences: new Map(),
    optOutsOfAll: new Map(),
    hints: new Map(),
    blocklist: new Set(),
  };
}

/** Notes that something is to be looked for there. */
export function hint(state: PortalState, key: string, id: string): void {
  const ids = state.hints.get(key);
  if (ids === undefined) state.hints.set(key, new Set([id]));
  else ids.add(id);
}

/** HubSpot keeps addresses in lower case. */
export function fold(email: string): string {
  return email.trim().toLowerCase();
}

export function blocklistEntry(email: string): string {
  return createHash("sha256").update(fold(email)).digest("hex");
}

export function preferenceKey(email: string, id: string): string {
  return `${fold(email)} ${id}`;
}
