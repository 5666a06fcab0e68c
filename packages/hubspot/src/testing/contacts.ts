import type { OptOutMirror } from "./opt-out-mirror.ts";
import type { PortalSettings } from "./options.ts";
import {
  blocklistEntry,
  fold,
  hint,
  preferenceKey,
  type ContactRecord,
  type EngagementRecord,
  type ListRecord,
  type PortalState,
  type StatusState,
} from "./records.ts";

/** Every address of a contact, the primary one first. */
export function addressesOf(contact: ContactRecord): readonly string[] {
  const primary = contact.properties["email"];
  return primary === undefined ? contact.additionalEmails : [primary, ...contact.additionalEmails];
}

/** Puts a contact in, or notes what it is found by after a change. */
export function keepContact(state: PortalState, contact: ContactRecord): void {
  state.contacts.set(contact.id, contact);
  for (const key of [...addressesOf(contact), ...contact.formerIds]) hint(state, key, contact.id);
}

/** A contact that is archived, or one that is not, by any of its addresses. */
export function findByEmail(state: PortalState, email: string, archived: boolean): ContactRecord | undefined {
  const address = fold(email);
  return hinted(state, address, archived).find((contact) => addressesOf(contact).includes(address));
}

/** The same by id, or by an id that was merged into it where the portal redirects. */
export function findById(
  state: PortalState,
  id: string,
  archived: boolean,
  mergedIds: PortalSettings["mergedIds"],
): ContactRecord | undefined {
  const own = state.contacts.get(id);
  if (own !== undefined && isIn(own, archived)) return own;
  if (mergedIds === "gone") return undefined;
  return hinted(state, id, archived).find((contact) => contact.formerIds.includes(id));
}

function hinted(state: PortalState, key: string, archived: boolean): ContactRecord[] {
  return [...(state.hints.get(key) ?? [])].flatMap((id) => {
    const contact = state.contacts.get(id);
    return contact !== undefined && isIn(contact, archived) ? [contact] : [];
  });
}

function isIn(contact: ContactRecord, archived: boolean): boolean {
  return (contact.archivedAt !== undefined) === archived;
}

/** The engagements and lists that hang on a contact. */
export function hangingOn(state: PortalState, contactId: string): (EngagementRecord | ListRecord)[] {
  return [...(state.hints.get(contactId) ?? [])].flatMap((id) => {
    const record = state.engagements.get(id) ?? state.lists.get(id);
    return record?.contactIds.includes(contactId) === true ? [record] : [];
  });
}

/** Sets properties and writes their history. An empty value clears a property. */
export function setProperties(
  contact: ContactRecord,
  changes: Readonly<Record<string, string>>,
  at: string,
  sourceType = "INTEGRATION",
): void {
  for (const [name, given] of Object.entries(changes)) {
    const value = name === "email" ? fold(given) : given;
    if (value === "") delete contact.properties[name];
    else contact.properties[name] = value;
    (contact.history[name] ??= []).push({ value, timestamp: at, sourceType });
  }
  contact.updatedAt = at;
}

/** GDPR delete: the contact goes, its addresses are blocked, its engagements stay and lose the association. */
export function eraseContact(state: PortalState, contact: ContactRecord, settings: PortalSettings): void {
  for (const record of hangingOn(state, contact.id))
    record.contactIds = record.contactIds.filter((id) => id !== contact.id);
  state.contacts.delete(contact.id);
  for (const address of addressesOf(contact)) {
    state.blocklist.add(blocklistEntry(address));
    if (settings.preferencesAfterErasure === "removed") removePreferences(state, address, settings);
  }
}

function removePreferences(state: PortalState, address: string, { definitions }: PortalSettings): void {
  for (const { id } of definitions) state.preferences.delete(preferenceKey(address, id));
  for (const brandId of ["0", ...definitions.flatMap((each) => each.brandId ?? [])])
    state.optOutsOfAll.delete(preferenceKey(address, brandId));
}

/**
 * Joins two contacts: the first one's values are kept, and the addresses and whatever hangs on either belong to the one
 * that is left.
 * @param id of the one that is left: the first one's, or a new one
 */
export function mergeContacts(
  state: PortalState,
  primary: ContactRecord,
  other: ContactRecord,
  { id, at }: { readonly id: string; readonly at: string },
): void {
  const merged = [primary, other].filter((each) => each.id !== id);
  for (const { id: former } of merged) {
    for (const record of hangingOn(state, former)) {
      record.contactIds = [...new Set(record.contactIds.map((each) => (each === former ? id : each)))];
      hint(state, id, record.id);
    }
    state.contacts.delete(former);
  }
  keepContact(state, {
    ...primary,
    id,
    additionalEmails: [...primary.additionalEmails, ...addressesOf(other)],
    formerIds: [...merged.map((each) => each.id), ...primary.formerIds, ...other.formerIds],
    updatedAt: at,
  });
}

/** A contact's row in an answer. The opt-out properties are of its primary address, as the mirror shows them. */
export function toRow(
  contact: ContactRecord,
  wanted: readonly string[],
  mirror: OptOutMirror,
  withHistory: readonly string[] = [],
): object {
  const all: Record<string, string> = {
    ...contact.properties,
    ...optOutProperties(contact, [...wanted, ...withHistory], mirror),
    createdate: contact.createdAt,
    lastmodifieddate: contact.updatedAt,
    hs_object_id: contact.id,
  };
  if (contact.additionalEmails.length > 0) all["hs_additional_emails"] = contact.additionalEmails.join(";");
  if (contact.formerIds.length > 0) all["hs_merged_object_ids"] = contact.formerIds.join(";");
  const shown = new Set([...wanted, ...withHistory, "createdate", "lastmodifieddate", "hs_object_id"]);
  return {
    id: contact.id,
    properties: Object.fromEntries([...shown].map((name) => [name, all[name] ?? null])),
    ...(withHistory.length === 0
      ? {}
      : {
          propertiesWithHistory: Object.fromEntries(
            withHistory.map((name) => [name, (contact.history[name] ?? []).toReversed()]),
          ),
        }),
    createdAt: contact.createdAt,
    updatedAt: contact.updatedAt,
    archived: contact.archivedAt !== undefined,
    ...(contact.archivedAt === undefined ? {} : { archivedAt: contact.archivedAt }),
  };
}

function optOutProperties(
  contact: ContactRecord,
  wanted: readonly string[],
  mirror: OptOutMirror,
): Record<string, string> {
  const email = contact.properties["email"];
  const shown = wanted.filter((name) => email !== undefined && mirror.shows(email, name));
  return Object.fromEntries(shown.map((name) => [name, "true"]));
}

/** The preference that counts: an opt-out of everything covers each subscription of its brand. */
export function statusOf(
  state: PortalState,
  email: string,
  subscriptionId: string,
  brandId: string,
): StatusState {
  if (state.optOutsOfAll.has(preferenceKey(email, brandId))) return "UNSUBSCRIBED";
  return state.preferences.get(preferenceKey(email, subscriptionId))?.status ?? "NOT_SPECIFIED";
}
