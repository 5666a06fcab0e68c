import type { Contact, HubspotCalls } from "./hubspot-calls.ts";

/** HubSpot takes so many inputs in one batch read. */
const batchOf = 100;

/** A contact, and where it was found. */
interface FoundContact extends Contact {
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

/**
 * Looks for contacts by addresses and ids, among contacts and archived contacts alike: an archived one can be
 * restored for 90 days.
 */
export async function findContacts(calls: HubspotCalls, keys: readonly string[]): Promise<Found> {
  const contacts = new Map<string, FoundContact>();
  const unknown = new Set<string>();
  const wanted = { email: new Set<string>(), id: new Set<string>() };
  for (const key of keys) wanted[key.includes("@") ? "email" : "id"].add(key);
  for (const archived of [false, true]) {
    for (const by of ["email", "id"] as const) {
      for (const asked of batches([...wanted[by]])) {
        const { found, missing } = await calls.readContacts(by, asked, archived);
        for (const contact of found) contacts.set(contact.id, { ...contact, isArchived: archived });
        for (const key of asked) {
          // HubSpot does not say which input found which row, and keeps no order: rows are known by content.
          if (!missing.has(key) && !found.some((each) => each.keys.has(key))) unknown.add(key);
        }
      }
    }
  }
  return { contacts: [...contacts.values()], unknown };
}

function batches(keys: readonly string[]): readonly string[][] {
  const starts = Array.from({ length: Math.ceil(keys.length / batchOf) }, (_, at) => at * batchOf);
  return starts.map((start) => keys.slice(start, start + batchOf));
}
