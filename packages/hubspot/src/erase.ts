import type { Answers, Call, Finding, FoundTarget, Outcome, Resolution } from "@heed/core/contract";
import { addressesOf, canonicalAddress, type HubspotKind, keysOf } from "./addresses.ts";
import { answerEach } from "./answer-each.ts";
import { findContacts } from "./find-contacts.ts";
import type { HubspotCalls } from "./hubspot-calls.ts";
import { concernsOneCall } from "./hubspot-error.ts";

type EraseCall = Call<"erase", HubspotKind>;

/**
 * Finds the contacts of each subject by every address and id, archived ones too. A call about which HubSpot
 * left something open gets no answer.
 */
export async function resolveContacts(
  calls: HubspotCalls,
  batch: readonly EraseCall[],
): Promise<Answers<Resolution>> {
  const searched = (call: EraseCall) => call.identifiers.flatMap(keysOf);
  const { contacts, unknown } = await findContacts(calls, batch.flatMap(searched));
  const answers = new Map<string, Resolution>();
  for (const call of batch) {
    const own = new Set(searched(call));
    if ([...own].some((key) => unknown.has(key))) continue;
    const targets: FoundTarget[] = [];
    const others = new Set<string>();
    for (const contact of contacts) {
      const via = call.identifiers.find((each) => keysOf(each).some((key) => contact.keys.has(key)));
      if (via === undefined) continue;
      // Beside a live contact an archived one with the same address is an ordinary case, not an ambiguous match.
      const kind = contact.isArchived ? "archived-contact" : "contact";
      targets.push({ kind, id: contact.id, via, verified: true });
      for (const address of contact.addresses.map(canonicalAddress)) {
        if (address !== undefined && !own.has(address)) others.add(address);
      }
    }
    const alsoKnownAs = [...others].map((value) => ({ kind: "email", value }));
    answers.set(call.id, { targets, ...(alsoKnownAs.length > 0 ? { alsoKnownAs } : {}) });
  }
  return answers;
}

/** Deletes each resolved contact for good, one call each, by id. */
export function eraseContacts(
  calls: HubspotCalls,
  batch: readonly EraseCall[],
  { blockUnknownAddresses }: { readonly blockUnknownAddresses: boolean },
): Promise<Answers<Outcome<"erase">>> {
  return answerEach(batch, async (call): Promise<Outcome<"erase">> => {
    const kept = call.input.keep.map(({ category }) => category);
    if (kept.length > 0) {
      const instruction = `HubSpot deletes a contact whole, and ${kept.join(", ")} must be kept. Move that elsewhere, then erase again.`;
      return { status: "manual", instruction };
    }
    const ids = call.targets.map(({ id }) => id);
    const blocked = call.input.suppress && blockUnknownAddresses ? addressesOf(call) : [];
    if (ids.length === 0 && blocked.length === 0) return { status: "absent" };
    try {
      let affected = 0;
      for (const id of new Set(ids)) if (await calls.eraseContact(id)) affected += 1;
      for (const email of new Set(blocked)) await calls.blockAddress(email);
      return { status: "done", affected };
    } catch (error) {
      if (concernsOneCall(error)) return { status: "failed", error };
      throw error;
    }
  });
}

/** Reads back by every id and every address, among contacts and archived contacts. */
export async function verifyErased(
  calls: HubspotCalls,
  batch: readonly EraseCall[],
): Promise<Answers<Finding>> {
  const searched = (call: EraseCall) => [
    ...call.identifiers.flatMap(keysOf),
    ...call.targets.map(({ id }) => id),
  ];
  const { contacts, unknown } = await findContacts(calls, batch.flatMap(searched));
  const answers = new Map<string, Finding>();
  for (const call of batch) {
    const keys = searched(call);
    const isThere = contacts.some((contact) => keys.some((key) => contact.keys.has(key)));
    const isOpen = keys.some((key) => unknown.has(key));
    answers.set(call.id, { seen: isThere ? "not-as-asked" : isOpen ? "unknown" : "as-asked" });
  }
  return answers;
}
