import type { PortalSettings } from "./options.ts";
import {
  blocklistEntry,
  fold,
  preferenceKey,
  type ContactRecord,
  type PortalState,
  type StatusState,
} from "./records.ts";

/** Every address of a contact, the primary one first. */
export function addressesOf(contact: ContactRecord): readonly string[] {
  const primary = contact.properties["email"];
  return primary === undefined ? contact.additionalEmails : [primary, ...contact.additionalEmails];
}

/** A contact that is archived, or one that is not, by any of its addresses. */
export function findByEmail(state: PortalState, email: string, archived: boolean): ContactRecord | undefined {
  const address = fold(email);
  return contactsOf(state, archived).find((contact) => addressesOf(contact).includes(address));
}

/** The same by id, or by an id that was merged into it where the portal redirects. */
export function findById(
  state: PortalState,
  id: string,
  archived: boolean,
  mergedIds: PortalSettings["mergedIds"],
): ContactRecord | undefined {
  return contactsOf(state, archived).find(
    (contact) => contact.id === id || (mergedIds === "redirect" && contact.formerIds.includes(id)),
  );
}

function contactsOf(state: PortalState, archived: boolean): ContactRecord[] {
  return [...state.contacts.values()].filter((contact) => (contact.archivedAt !== undefined) === archived);
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
export function eraseContact(
  state: PortalState,
  contact: ContactRecord,
  preferences: PortalSettings["preferencesAfterErasure"],
): void {
  state.contacts.delete(contact.id);
  for (const engagement of state.engagements.values()) {
    engagement.contactIds = engagement.contactIds.filter((id) => id !== contact.id);
  }
  for (const list of state.lists.values()) {
    list.contactIds = list.contactIds.filter((id) => id !== contact.id);
  }
  for (const address of addressesOf(contact)) {
    state.blocklist.add(blocklistEntry(address));
    if (preferences === "removed") removePreferences(state, address);
  }
}

function removePreferences(state: PortalState, address: string): void {
  for (const records of [state.preferences, state.optOutsOfAll]) {
    for (const [key, record] of records) {
      if (record.email === address) records.delete(key);
    }
  }
}

/** Joins two contacts: the first keeps its id and gets the addresses of the other. */
export function mergeContacts(primary: ContactRecord, other: ContactRecord, at: string): void {
  primary.additionalEmails.push(...addressesOf(other));
  primary.formerIds.push(other.id, ...other.formerIds);
  primary.updatedAt = at;
}

/** A contact's row in an answer. The opt-out properties follow the preferences of `optOuts`, a late state. */
export function toRow(
  contact: ContactRecord,
  wanted: readonly string[],
  optOuts: PortalState,
  withHistory: readonly string[] = [],
): object {
  const all: Record<string, string> = {
    ...contact.properties,
    ...optOutProperties(contact, optOuts),
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

function optOutProperties(contact: ContactRecord, optOuts: PortalState): Record<string, string> {
  const email = contact.properties["email"];
  if (email === undefined) return {};
  const out: Record<string, string> = {};
  for (const each of optOuts.preferences.values()) {
    if (each.email === email && each.status === ("UNSUBSCRIBED" satisfies StatusState)) {
      out[`hs_email_optout_${each.subscriptionId}`] = "true";
    }
  }
  for (const { email: address, brandId } of optOuts.optOutsOfAll.values()) {
    if (address === email)
      out[brandId === "0" ? "hs_email_optout" : `business_unit_optout_${brandId}`] = "true";
  }
  return out;
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
