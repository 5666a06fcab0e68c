import { batchOf, type Contact } from "./contact-calls.ts";
import type { HubspotCalls } from "./hubspot-calls.ts";
import { inChunks } from "./in-chunks.ts";

/** A contact, and where it was found. */
export interface FoundContact extends Contact {
  readonly isArchived: boolean;
}

/** What there is. */
export interface Found {
  readonly contacts: readonly FoundContact[];
  /**
   * Keys that HubSpot neither found nor named as missing: nothing is known about them. An answer that is cut
   * short must not look like absence.
   */
  readonly unknown: ReadonlySet<string>;
}

/** How contacts are looked for. */
export interface Search {
  /**
   * Whether archived contacts are looked for under every key, or only under those that no live one has, or not at all, or
   * they alone. An archived contact is sent nothing and can be restored for 90 days. Default: under every key.
   */
  readonly archived?: "always" | "where-none-is-live" | "never" | "alone";
  /** Properties to read besides those that identify. */
  readonly properties?: readonly string[];
}

/** Contacts by every key that finds them. */
export function byKey(contacts: Iterable<FoundContact>): ReadonlyMap<string, readonly FoundContact[]> {
  const found = new Map<string, FoundContact[]>();
  for (const contact of contacts)
    for (const key of contact.keys) found.set(key, [...(found.get(key) ?? []), contact]);
  return found;
}

/** Looks for contacts by addresses and ids, by the hundred. */
export async function findContacts(
  calls: HubspotCalls,
  keys: readonly string[],
  { archived = "always", properties = [] }: Search = {},
): Promise<Found> {
  const contacts = new Map<string, FoundContact>();
  const unknown = new Set<string>();
  const wanted = { email: new Set<string>(), id: new Set<string>() };
  for (const key of keys) wanted[key.includes("@") ? "email" : "id"].add(key);
  for (const isArchived of [false, true]) {
    if (archived === (isArchived ? "never" : "alone")) continue;
    for (const by of ["email", "id"] as const) {
      const isOpen = (key: string) =>
        archived !== "where-none-is-live" || ![...contacts.values()].some((each) => each.keys.has(key));
      const asked = isArchived ? [...wanted[by]].filter(isOpen) : [...wanted[by]];
      for (const part of inChunks(asked, batchOf)) {
        const { found, missing } = await calls.readContacts(by, part, isArchived, properties);
        for (const contact of found) contacts.set(contact.id, { ...contact, isArchived });
        for (const key of part) {
          // HubSpot does not say which input found which row, and keeps no order: rows are known by content.
          if (!missing.has(key) && !found.some((each) => each.keys.has(key))) unknown.add(key);
        }
      }
    }
  }
  return { contacts: [...contacts.values()], unknown };
}

/** What two searches found. */
export function together(one: Found, other: Found): Found {
  return {
    contacts: [...one.contacts, ...other.contacts],
    unknown: new Set([...one.unknown, ...other.unknown]),
  };
}
