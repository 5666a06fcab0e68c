import {
  type Answers,
  type Call,
  type Finding,
  type Outcome,
  RejectedError,
  type Resolution,
} from "@heed/core/contract";
import type { AccountMemory } from "./account-memory.ts";
import { addressesOf, type HubspotKind, keysOf, spellingsOf } from "./addresses.ts";
import { brandsOf } from "./brands.ts";
import { findAddresses } from "./find-addresses.ts";
import { byKey, findContacts } from "./find-contacts.ts";
import type { HubspotCalls } from "./hubspot-calls.ts";
import type { HubspotTopic, Topics } from "./topics.ts";
import { optOutProperties, readOptOuts } from "./read-opt-outs.ts";
import { type OptOut, keyOf, silence } from "./silence.ts";

type UnsubscribeCall = Call<"unsubscribe", HubspotKind>;

/**
 * Finds every address to silence: each that is named, and all that the subject's contacts have; with `onlyIfKnown`, the
 * latter alone.
 */
export function resolveAddresses(
  calls: HubspotCalls,
  batch: readonly UnsubscribeCall[],
): Promise<Answers<Resolution>> {
  return findAddresses(calls, batch, (via, held, { input }) => {
    const isNamed = via.kind === "email" && input.onlyIfKnown !== true;
    const named = isNamed ? [spellingsOf(via.value)[0]] : [];
    return [...named, ...held.flatMap(({ addresses }) => addresses)];
  });
}

/** Opts each address out of each topic, or out of everything that any brand of the account sends. */
export async function unsubscribeAddresses(
  calls: HubspotCalls,
  memory: AccountMemory,
  batch: readonly UnsubscribeCall[],
  topics: Topics,
): Promise<Answers<Outcome<"unsubscribe">>> {
  const optOutsOf = await wishes(calls, memory, batch, topics);
  const unbound = new Map<string, Outcome<"unsubscribe">>();
  const asked = batch.flatMap((call) => {
    try {
      return { id: call.id, optOuts: optOutsOf(call, silenced(call)) };
    } catch (error) {
      if (!(error instanceof RejectedError)) throw error;
      unbound.set(call.id, { status: "failed", error });
      return [];
    }
  });
  return new Map([...unbound, ...(await silence(calls, memory, asked))]);
}

/** Reads back every address by itself, those that the subject's contacts have now included. */
export async function verifyUnsubscribed(
  calls: HubspotCalls,
  memory: AccountMemory,
  batch: readonly UnsubscribeCall[],
  topics: Topics,
): Promise<Answers<Finding>> {
  const optOutsOf = await wishes(calls, memory, batch, topics);
  const { contacts, unknown } = await findContacts(calls, batch.flatMap(searched), {
    archived: "where-none-is-live",
    properties: optOutProperties(batch.flatMap((call) => optOutsOf(call, [""]))),
  });
  const contactsUnder = byKey(contacts);
  const wished = new Map(
    batch.map((call) => {
      const held = searched(call).flatMap((key) => contactsUnder.get(key) ?? []);
      const addresses = new Set([...silenced(call), ...held.flatMap((contact) => contact.addresses)]);
      return [call.id, optOutsOf(call, [...addresses])] as const;
    }),
  );
  const isAccountOfOneBrand = [...wished.values()].flat().every(({ brandId }) => (brandId ?? "0") === "0");
  const seen = await readOptOuts(calls, memory, [...wished.values()].flat(), contacts, isAccountOfOneBrand);
  return new Map(
    batch.flatMap((call): [string, Finding][] => {
      const findings = new Set((wished.get(call.id) ?? []).map((optOut) => seen.get(keyOf(optOut))));
      // Reading it was begun and not ended: nothing is known about this call.
      if (findings.has(undefined)) return [];
      const isOpen = searched(call).some((key) => unknown.has(key)) || findings.has("unknown");
      if (findings.has("not-as-asked")) return [[call.id, { seen: "not-as-asked" }]];
      return [[call.id, { seen: isOpen ? "unknown" : "as-asked" }]];
    }),
  );
}

/** The addresses that the call names, and those that `resolve` found; or the latter alone. */
function silenced(call: UnsubscribeCall): readonly string[] {
  const resolved = call.targets.filter(({ kind }) => kind === "address").map(({ id }) => id);
  const named = call.input.onlyIfKnown === true ? [] : addressesOf(call);
  return [...new Set([...named, ...resolved])];
}

/** What finds the subject's contacts. */
function searched(call: UnsubscribeCall): readonly string[] {
  return [...call.identifiers.flatMap(keysOf), ...silenced(call)];
}

/** How the wish of a call reads at HubSpot, for some addresses. */
async function wishes(
  calls: HubspotCalls,
  memory: AccountMemory,
  batch: readonly UnsubscribeCall[],
  topics: Topics,
): Promise<(call: UnsubscribeCall, addresses: readonly string[]) => readonly OptOut[]> {
  const needsBrands = batch.some(({ input }) => input.topics === "all");
  const brands = needsBrands ? await brandsOf(calls, memory, topics) : new Set<string>();
  return ({ input }, addresses) => {
    const kinds =
      input.topics === "all"
        ? [...brands].map((brandId) => ({ brandId }))
        : input.topics.map((topic) => {
            const { subscriptionId, brandId } = bindingOf(topics, topic, "unsubscribe");
            return { subscriptionId, brandId };
          });
    return addresses.flatMap((address) => kinds.map((kind): OptOut => ({ address, ...kind })));
  };
}

/** What a topic is at HubSpot. @throws RejectedError when it is bound to nothing */
export function bindingOf(
  topics: Topics,
  topic: string,
  operation: "subscribe" | "unsubscribe",
): HubspotTopic {
  const binding = Object.hasOwn(topics, topic) ? topics[topic] : undefined;
  if (binding !== undefined) return binding;
  throw new RejectedError(`The topic ${topic} is bound to no subscription type of HubSpot.`, {
    processor: "hubspot",
    operation,
    code: "unbound-topic",
  });
}
