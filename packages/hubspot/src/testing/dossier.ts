import { addressesOf } from "./contacts.ts";
import {
  fold,
  type ContactRecord,
  type EngagementRecord,
  type ListRecord,
  type PortalState,
  type PreferenceRecord,
  type WideOptOutRecord,
} from "./records.ts";

/** Everything that the portal holds about one address: contacts (archived too) and what hangs on them. */
export interface Dossier {
  readonly contacts: readonly ContactRecord[];
  readonly engagements: readonly EngagementRecord[];
  readonly lists: readonly ListRecord[];
  readonly preferences: readonly PreferenceRecord[];
  readonly optOutsOfAll: readonly WideOptOutRecord[];
}

export function dossierOf(state: PortalState, email: string): Dossier {
  const address = fold(email);
  const contacts = [...state.contacts.values()].filter((each) => addressesOf(each).includes(address));
  const ids = new Set(contacts.map(({ id }) => id));
  return structuredClone({
    contacts,
    engagements: [...state.engagements.values()].filter((each) => each.contactIds.some((id) => ids.has(id))),
    // Who else is on a list is not held about this person.
    lists: [...state.lists.values()]
      .filter((each) => each.contactIds.some((id) => ids.has(id)))
      .map((each) => ({ ...each, contactIds: each.contactIds.filter((id) => ids.has(id)) })),
    preferences: [...state.preferences.values()].filter((each) => each.email === address),
    optOutsOfAll: [...state.optOutsOfAll.values()].filter((each) => each.email === address),
  });
}

/** Where a text occurs in what the portal holds, in any letter case: `"contact 101"`, `"notes 102"`, … */
export function searchState(state: PortalState, text: string): readonly string[] {
  const needle = quoted(text);
  const places: [string, object][] = [
    ...[...state.contacts.values()].map((each): [string, object] => [
      `${each.archivedAt === undefined ? "contact" : "archived contact"} ${each.id}`,
      each,
    ]),
    ...[...state.engagements.values()].map((each): [string, object] => [
      `${each.archivedAt === undefined ? "" : "archived "}${each.type} ${each.id}`,
      each,
    ]),
    ...[...state.preferences.values()].map((each): [string, object] => [
      `status ${each.subscriptionId}`,
      each,
    ]),
    ...[...state.optOutsOfAll.values()].map((each): [string, object] => [
      `opt-out of brand ${each.brandId}`,
      each,
    ]),
  ];
  return places
    .filter(([, record]) => JSON.stringify(record).toLowerCase().includes(needle))
    .map(([place]) => place);
}

/** The text as it stands inside JSON. */
function quoted(text: string): string {
  return JSON.stringify(text).slice(1, -1).toLowerCase();
}
