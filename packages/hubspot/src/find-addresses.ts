import type { Answers, Call, FoundTarget, Identifier, Resolution } from "@heed/core/contract";
import { type HubspotKind, keysOf } from "./addresses.ts";
import { byKey, findContacts, type FoundContact } from "./find-contacts.ts";
import type { HubspotCalls } from "./hubspot-calls.ts";

type PreferenceCall = Call<"subscribe" | "unsubscribe", HubspotKind>;

/**
 * Finds the addresses that a choice is about: HubSpot keeps preferences by address, so an address is the target,
 * whether a contact has it or not. A call about which HubSpot left something open gets no answer.
 *
 * @param addressesFor the addresses under an identifier of a call, given the contacts that it finds
 */
export async function findAddresses<C extends PreferenceCall>(
  calls: HubspotCalls,
  batch: readonly C[],
  addressesFor: (via: Identifier<HubspotKind>, held: readonly FoundContact[], call: C) => readonly string[],
): Promise<Answers<Resolution>> {
  const searched = (call: C) => call.identifiers.flatMap(keysOf);
  const search = { archived: "where-none-is-live" } as const;
  const { contacts, unknown } = await findContacts(calls, batch.flatMap(searched), search);
  const answers = new Map<string, Resolution>();
  const contactsUnder = byKey(contacts);
  for (const call of batch) {
    if (searched(call).some((key) => unknown.has(key))) continue;
    const targets = new Map<string, FoundTarget>();
    for (const via of call.identifiers) {
      const held = new Set(keysOf(via).flatMap((key) => contactsUnder.get(key) ?? []));
      for (const id of addressesFor(via, [...held], call)) {
        if (!targets.has(id)) targets.set(id, { kind: "address", id, via, verified: true });
      }
    }
    answers.set(call.id, { targets: [...targets.values()] });
  }
  return answers;
}
