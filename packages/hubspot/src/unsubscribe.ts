import {
  type Answers,
  type Call,
  type Finding,
  type FoundTarget,
  type Outcome,
  RejectedError,
  type Resolution,
} from "@heed/core/contract";
import { addressesOf, type HubspotKind, keysOf, spellingsOf } from "./addresses.ts";
import { answerEach } from "./answer-each.ts";
import { findContacts } from "./find-contacts.ts";
import type { HubspotCalls } from "./hubspot-calls.ts";
import { concernsOneCall } from "./hubspot-error.ts";
import type { HubspotTopic } from "./options.ts";

type UnsubscribeCall = Call<"unsubscribe", HubspotKind>;
type Topics = Readonly<Record<string, HubspotTopic>>;

/**
 * Finds every address to silence: HubSpot keeps preferences by address, so an address is the target, whether
 * a contact has it or not; with `onlyIfKnown`, only those that a contact has. A call about which HubSpot left
 * something open gets no answer.
 */
export async function resolveAddresses(
  calls: HubspotCalls,
  batch: readonly UnsubscribeCall[],
): Promise<Answers<Resolution>> {
  const { contacts, unknown } = await findContacts(calls, batch.flatMap(searched));
  const answers = new Map<string, Resolution>();
  for (const call of batch) {
    if (searched(call).some((key) => unknown.has(key))) continue;
    const targets = new Map<string, FoundTarget>();
    for (const via of call.identifiers) {
      const isNamed = via.kind === "email" && call.input.onlyIfKnown !== true;
      const named = isNamed ? [spellingsOf(via.value)[0]] : [];
      const found = contacts.filter(({ keys }) => keysOf(via).some((key) => keys.has(key)));
      for (const id of [...named, ...found.flatMap(({ addresses }) => addresses)]) {
        if (!targets.has(id)) targets.set(id, { kind: "address", id, via, verified: true });
      }
    }
    answers.set(call.id, { targets: [...targets.values()] });
  }
  return answers;
}

/** Opts each address out of each topic, or out of everything that any brand of the account sends. */
export async function unsubscribeAddresses(
  calls: HubspotCalls,
  batch: readonly UnsubscribeCall[],
  topics: Topics,
): Promise<Answers<Outcome<"unsubscribe">>> {
  const brands = await brandsFor(calls, batch, topics);
  return answerEach(batch, async (call): Promise<Outcome<"unsubscribe">> => {
    const addresses = silenced(call);
    if (addresses.length === 0) return { status: "absent" };
    const asked = call.input.topics;
    try {
      let affected = 0;
      const bindings = asked === "all" ? [] : asked.map((topic) => bindingOf(topics, topic));
      for (const address of addresses) {
        for (const { subscriptionId } of bindings) {
          if (await calls.unsubscribe(address, subscriptionId)) affected += 1;
        }
        if (asked !== "all") continue;
        for (const brand of brands) {
          await calls.unsubscribeFromAll(address, brand);
          // HubSpot does not say whether that changed anything.
          affected += 1;
        }
      }
      return { status: "done", affected };
    } catch (error) {
      if (concernsOneCall(error)) return { status: "failed", error };
      throw error;
    }
  });
}

/** Reads back every address by itself, those that the subject's contacts have now included. */
export async function verifyUnsubscribed(
  calls: HubspotCalls,
  batch: readonly UnsubscribeCall[],
  topics: Topics,
): Promise<Answers<Finding>> {
  const { contacts, unknown } = await findContacts(calls, batch.flatMap(searched));
  const brands = await brandsFor(calls, batch, topics);
  return answerEach(batch, async (call): Promise<Finding> => {
    const keys = searched(call);
    const held = contacts.filter((contact) => keys.some((key) => contact.keys.has(key)));
    const addresses = new Set([...silenced(call), ...held.flatMap((contact) => contact.addresses)]);
    const seen = new Set<Finding["seen"]>(keys.some((key) => unknown.has(key)) ? ["unknown"] : []);
    for (const address of addresses) {
      const asked = call.input.topics;
      if (asked === "all") for (const brand of brands) seen.add(await readWide(calls, address, brand));
      else for (const each of await readTopics(calls, address, asked, topics)) seen.add(each);
    }
    return { seen: seen.has("not-as-asked") ? "not-as-asked" : seen.has("unknown") ? "unknown" : "as-asked" };
  });
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

/** Every brand of the account, found by what it may send; brand 0 is the account's own. */
async function brandsFor(
  calls: HubspotCalls,
  batch: readonly UnsubscribeCall[],
  topics: Topics,
): Promise<ReadonlySet<string>> {
  if (!batch.some(({ input }) => input.topics === "all")) return new Set();
  const definitions = await calls.definitions();
  return new Set([
    "0",
    ...definitions.flatMap(({ businessUnitId }) => businessUnitId ?? []),
    ...Object.values(topics).flatMap(({ brandId }) => brandId ?? []),
  ]);
}

async function readWide(calls: HubspotCalls, address: string, brand: string): Promise<Finding["seen"]> {
  const rows = await calls.wideStatuses(address, brand);
  // No row means not opted out.
  return rows.some(
    ({ status, businessUnitId }) => status === "UNSUBSCRIBED" && (businessUnitId ?? brand) === brand,
  )
    ? "as-asked"
    : "not-as-asked";
}

async function readTopics(
  calls: HubspotCalls,
  address: string,
  asked: readonly string[],
  topics: Topics,
): Promise<Finding["seen"][]> {
  const bindings = asked.map((topic) => bindingOf(topics, topic));
  const seen: Finding["seen"][] = [];
  for (const brandId of new Set(bindings.map((each) => each.brandId))) {
    const rows = await calls.statuses(address, brandId);
    for (const { subscriptionId } of bindings.filter((each) => each.brandId === brandId)) {
      const row = rows.find((each) => each.subscriptionId === subscriptionId);
      seen.push(row === undefined ? "unknown" : row.status === "UNSUBSCRIBED" ? "as-asked" : "not-as-asked");
    }
  }
  return seen;
}

function bindingOf(topics: Topics, topic: string): HubspotTopic {
  const binding = Object.hasOwn(topics, topic) ? topics[topic] : undefined;
  if (binding !== undefined) return binding;
  throw new RejectedError(`The topic ${topic} is bound to no subscription type of HubSpot.`, {
    processor: "hubspot",
    operation: "unsubscribe",
    code: "unbound-topic",
  });
}
