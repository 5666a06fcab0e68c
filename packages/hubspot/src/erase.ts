import type { Answers, Call, Finding, FoundTarget, Outcome, Resolution, Retained } from "@heed/core/contract";
import { addressesOf, canonicalAddress, type HubspotKind, keysOf } from "./addresses.ts";
import { answerEach } from "./answer-each.ts";
import {
  archiveEngagements,
  civilDateIn,
  disposeOf,
  type Engagements,
  engagementTargets,
  findEngagements,
  isContact,
  leftOf,
  retainedOf,
  unkeepable,
} from "./engagements.ts";
import { byKey, findContacts, type Found, together } from "./find-contacts.ts";
import type { HubspotCalls } from "./hubspot-calls.ts";
import { orFailed } from "./or-failed.ts";

/** HubSpot gives itself so many days to remove a deleted contact from its disks. */
const purgeDays = 30;

/** A call after which a subject is at HubSpot no longer, whatever was asked by it. */
export type RemovalCall = Call<"erase" | "exclude", HubspotKind>;

/** How contacts are removed. */
export interface Removal {
  readonly blockUnknownAddresses: boolean;
  readonly engagements: Engagements;
}

/** Every address and id that a call names. */
const named = (call: RemovalCall) => call.identifiers.flatMap(keysOf);
/** The contacts that were found for it. */
const contactIds = ({ targets }: RemovalCall) => targets.filter(isContact).map(({ id }) => id);

/**
 * Looks for what HubSpot has under every address and id of each subject. Of somebody whose contacts are known, for live
 * ones alone: whether those that are known were archived instead is read back by id.
 */
export async function lookFor(calls: HubspotCalls, batch: readonly RemovalCall[]): Promise<Found> {
  const live = await findContacts(calls, batch.flatMap(named), { archived: "never" });
  const fresh = batch.filter((call) => contactIds(call).length === 0);
  return together(live, await findContacts(calls, fresh.flatMap(named), { archived: "alone" }));
}

/**
 * The contacts of each subject, archived ones too, and the notes, calls, e-mails, tasks, meetings and tickets of those
 * contacts: once a contact is deleted, nothing leads to them. For an `exclude` also the addresses that HubSpot sends
 * to. A call about which HubSpot left something open gets no answer.
 */
export async function resolveContacts(
  calls: HubspotCalls,
  batch: readonly RemovalCall[],
  { contacts, unknown }: Found,
): Promise<Answers<Resolution>> {
  const engagements = await findEngagements(
    calls,
    contacts.map(({ id }) => id),
  );
  const answers = new Map<string, Resolution>();
  const contactsUnder = byKey(contacts);
  for (const call of batch) {
    const own = new Set(named(call));
    if ([...own].some((key) => unknown.has(key))) continue;
    const targets: FoundTarget[] = [];
    const others = new Set<string>();
    for (const contact of new Set([...own].flatMap((key) => contactsUnder.get(key) ?? []))) {
      const via = call.identifiers.find((each) => keysOf(each).some((key) => contact.keys.has(key)));
      if (via === undefined) continue;
      // Beside a live contact an archived one with the same address is an ordinary case, not an ambiguous match.
      const kind = contact.isArchived ? "archived-contact" : "contact";
      targets.push({ kind, id: contact.id, via, verified: true });
      if (call.operation === "exclude" && !contact.isArchived)
        for (const id of contact.addresses)
          targets.push({ kind: "address", id, within: contact.id, via, verified: true });
      for (const address of contact.addresses.map(canonicalAddress)) {
        if (address !== undefined && !own.has(address)) others.add(address);
      }
    }
    const alsoKnownAs = [...others].map((value) => ({ kind: "email", value }));
    answers.set(call.id, {
      targets: [...targets, ...engagementTargets(engagements, targets.filter(isContact))],
      ...(alsoKnownAs.length > 0 ? { alsoKnownAs } : {}),
    });
  }
  return answers;
}

/**
 * Archives what is about nobody else, then deletes each contact for good, once, by id. HubSpot deletes a contact
 * whole: where a part of it must be kept, a human is asked.
 */
export async function removeContacts(
  calls: HubspotCalls,
  batch: readonly RemovalCall[],
  { blockUnknownAddresses, engagements }: Removal,
): Promise<Answers<Outcome<"erase">>> {
  const removable = batch.filter((call) => unkeepable(keptBy(call)).length === 0);
  const disposed = await disposeOf(
    calls,
    removable.map((call) => ({ ...call, keep: keptBy(call) })),
    engagements,
  );
  const refused = await archiveEngagements(calls, [...disposed.values()].flat());
  // Two calls may lead to one contact.
  const deletions = new Map<string, Promise<boolean>>();
  const deleteOnce = (id: string): Promise<boolean> => {
    const deletion = deletions.get(id) ?? calls.eraseContact(id);
    deletions.set(id, deletion);
    return deletion;
  };

  return answerEach(batch, (call) =>
    orFailed(async (): Promise<Outcome<"erase">> => {
      const stuck = unkeepable(keptBy(call));
      if (stuck.length > 0) {
        const instruction = `HubSpot deletes a contact whole, and ${stuck.join(", ")} must be kept. Move that elsewhere, then ${call.operation} again.`;
        return { status: "manual", instruction };
      }
      const ids = [...new Set(contactIds(call))];
      const own = disposed.get(call.id) ?? [];
      const blocked = blockUnknownAddresses && asksToBlock(call) ? addressesOf(call) : [];
      if (ids.length === 0 && blocked.length === 0) return { status: "absent" };
      const [refusal] = own.flatMap(({ type, id }) => refused.get(`${type} ${id}`) ?? []);
      // The contact is what leads to the objects: it stays until they are dealt with.
      if (refusal !== undefined) return { status: "failed", error: refusal };
      let affected = own.filter(({ how }) => how === "archive").length;
      for (const id of ids) if (await deleteOnce(id)) affected += 1;
      for (const email of new Set(blocked)) await calls.blockAddress(email);
      const retained = retainedOf(own);
      return {
        status: "done",
        affected,
        ...(retained.length > 0 ? { retained } : {}),
        ...(ids.length > 0 ? { purgedBy: civilDateIn(calls.now(), purgeDays) } : {}),
      };
    }),
  );
}

/**
 * Reads back each contact by id, among contacts and archived contacts, and what was to be archived. Where no contact
 * was found, by every address.
 *
 * @param justFound what a look under every address found just now: then it is read by id alone, also among the live
 *   ones, since a contact that is still there may have another address by now
 */
export async function verifyRemoved(
  calls: HubspotCalls,
  batch: readonly RemovalCall[],
  engagements: Engagements,
  justFound?: Found,
): Promise<Answers<Finding>> {
  const searched = (call: RemovalCall) => {
    const ids = contactIds(call);
    return justFound === undefined && ids.length > 0 ? ids : [...ids, ...named(call)];
  };
  const { contacts, unknown } =
    justFound === undefined
      ? await findContacts(calls, batch.flatMap(searched))
      : together(justFound, await findContacts(calls, batch.flatMap(contactIds)));
  const { left, unknown: unread } = await leftOf(
    calls,
    batch.map((call) => ({ ...call, keep: keptBy(call) })),
    engagements,
  );
  const answers = new Map<string, Finding>();
  const contactsUnder = byKey(contacts);
  for (const call of batch) {
    const keys = searched(call);
    const isThere = keys.some((key) => contactsUnder.has(key));
    const isOpen = unread.has(call.id) || keys.some((key) => unknown.has(key));
    const isLeft = isThere || left.has(call.id);
    answers.set(call.id, { seen: isLeft ? "not-as-asked" : isOpen ? "unknown" : "as-asked" });
  }
  return answers;
}

function keptBy({ input }: RemovalCall): readonly Retained[] {
  return "keep" in input ? input.keep : [];
}

/** Whoever is kept out is blocked always, whoever is erased only where that was asked for. */
function asksToBlock({ input }: RemovalCall): boolean {
  return !("suppress" in input) || input.suppress;
}
