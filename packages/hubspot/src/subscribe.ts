import type { Answers, Call, Finding, Identifier, Outcome, Resolution } from "@heed/core/contract";
import { addressesOf, type HubspotKind, spellingsOf } from "./addresses.ts";
import { answerEach } from "./answer-each.ts";
import { findAddresses } from "./find-addresses.ts";
import type { FoundContact } from "./find-contacts.ts";
import type { Status } from "./hubspot-answers.ts";
import type { HubspotCalls } from "./hubspot-calls.ts";
import { orFailed } from "./or-failed.ts";
import type { Topics } from "./topics.ts";
import {
  explainConsent,
  isOwnExplanation,
  type Legal,
  statusChange,
  wideOptOutIn,
} from "./preference-calls.ts";
import { bindingOf } from "./unsubscribe.ts";

type SubscribeCall = Call<"subscribe", HubspotKind>;

/** What HubSpot calls the law's bases. */
const legalBases: Readonly<Record<string, string>> = {
  consent: "CONSENT_WITH_NOTICE",
  contract: "PERFORMANCE_OF_CONTRACT",
  "soft-opt-in": "LEGITIMATE_INTEREST_CLIENT",
};

/**
 * Finds how HubSpot writes the addresses that the subject is named by: those alone were consented for. By contact id
 * it is the address that HubSpot sends to.
 */
export const resolveSubscribers = (
  calls: HubspotCalls,
  batch: readonly SubscribeCall[],
): Promise<Answers<Resolution>> => findAddresses(calls, batch, asWritten);

function asWritten(via: Identifier<HubspotKind>, [contact]: readonly FoundContact[]): readonly string[] {
  if (via.kind !== "email") return contact?.primary === undefined ? [] : [contact.primary];
  const spellings = spellingsOf(via.value);
  return [contact?.addresses.find((address) => spellings.includes(address)) ?? spellings[0]];
}

/**
 * Subscribes each address to each topic, unless HubSpot knows of an opt-out that the consent is not newer than: that
 * one stands, and a human is told. So they are of one that HubSpot does not lift.
 */
export function subscribeAddresses(
  calls: HubspotCalls,
  batch: readonly SubscribeCall[],
  topics: Topics,
): Promise<Answers<Outcome<"subscribe">>> {
  return answerEach(batch, (call) =>
    orFailed(async (): Promise<Outcome<"subscribe">> => {
      const addresses = subscribed(call);
      if (addresses.length === 0) {
        const instruction =
          "HubSpot has no address of this person: name one, or subscribe them there by hand if they asked for it.";
        return { status: "manual", instruction };
      }
      let affected = 0;
      const newer = new Set<string>();
      const locked = new Set<string>();
      for (const address of addresses) {
        for (const [brandId, names] of byBrand(call, topics)) {
          const said = await subscribeAt(calls, call, { address, brandId, names, topics });
          affected += said.affected;
          for (const topic of said.newer) newer.add(topic);
          for (const topic of said.locked) locked.add(topic);
        }
      }
      if (newer.size + locked.size === 0) return { status: "done", affected };
      return { status: "manual", instruction: instructionFor([...newer], [...locked]) };
    }),
  );
}

/** Reads back each address: subscribed to each topic, and no opt-out from everything in the way. */
export function verifySubscribed(
  calls: HubspotCalls,
  batch: readonly SubscribeCall[],
  topics: Topics,
): Promise<Answers<Finding>> {
  return answerEach(batch, async (call): Promise<Finding> => {
    const seen = new Set<Finding["seen"]>();
    for (const address of subscribed(call)) {
      for (const [brandId, names] of byBrand(call, topics)) {
        const rows = await calls.statuses(address, brandId);
        for (const { subscriptionId } of names.map((topic) => bindingOf(topics, topic, "subscribe"))) {
          const row = rows.find((each) => each.subscriptionId === subscriptionId);
          seen.add(row === undefined ? "unknown" : row.status === "SUBSCRIBED" ? "as-asked" : "not-as-asked");
        }
        if ((await optOutOfAll(calls, address, brandId)) !== undefined) seen.add("not-as-asked");
      }
    }
    if (seen.has("not-as-asked")) return { seen: "not-as-asked" };
    return { seen: seen.has("unknown") || seen.size === 0 ? "unknown" : "as-asked" };
  });
}

interface At {
  readonly address: string;
  readonly brandId: string | undefined;
  readonly names: readonly string[];
  readonly topics: Topics;
}

/** What became of the topics of one address and brand. */
interface Said {
  readonly affected: number;
  /** Topics with an opt-out that is no older than the consent. */
  readonly newer: readonly string[];
  /** Topics that an opt-out from everything silences still. */
  readonly locked: readonly string[];
}

async function subscribeAt(
  calls: HubspotCalls,
  { input }: SubscribeCall,
  { address, brandId, names, topics }: At,
): Promise<Said> {
  const rows = await calls.statuses(address, brandId);
  const wide = await optOutOfAll(calls, address, brandId);
  if (wide !== undefined && !isNewer(input.givenAt, wide.timestamp))
    return { affected: 0, newer: names, locked: [] };
  const newer: string[] = [];
  let affected = 0;
  for (const topic of names) {
    const { subscriptionId } = bindingOf(topics, topic, "subscribe");
    const before = rows.find((each) => each.subscriptionId === subscriptionId);
    const isOut = before?.status === "UNSUBSCRIBED";
    // Heed's own opt-out that arrived late is no word of the person's: the consent has overtaken it.
    if (isOut && !isOwn(before) && !isNewer(input.givenAt, before.timestamp)) {
      newer.push(topic);
      continue;
    }
    if (before?.status === "SUBSCRIBED") continue;
    const after = await calls.setStatus(address, statusChange(subscriptionId, "SUBSCRIBED", legalOf(input)));
    if (!isOut && saysResubscribed(after, subscriptionId)) {
      // An opt-out arrived after it was looked for: put back what was overridden.
      await calls.unsubscribe(address, subscriptionId);
      newer.push(topic);
      continue;
    }
    affected += 1;
  }
  if (wide === undefined) return { affected, newer, locked: [] };
  const isLifted = (await optOutOfAll(calls, address, brandId)) === undefined;
  return { affected, newer, locked: isLifted ? [] : names.filter((topic) => !newer.includes(topic)) };
}

/** Whether HubSpot says that this change ended an opt-out. */
function saysResubscribed(rows: readonly Status[], subscriptionId: string): boolean {
  return rows.some(
    (each) =>
      each.subscriptionId === subscriptionId && each.setStatusSuccessReason === "RESUBSCRIBE_OCCURRED",
  );
}

/** The opt-out from everything that a brand sends, where there is one. */
async function optOutOfAll(calls: HubspotCalls, address: string, brandId = "0") {
  return wideOptOutIn(await calls.wideStatuses(address, brandId), brandId);
}

function isOwn({ legalBasisExplanation: filed }: Status): boolean {
  return typeof filed === "string" && isOwnExplanation(filed);
}

/** An opt-out without a readable instant is newer than anything. */
function isNewer(givenAt: string, optedOutAt: string | null | undefined): boolean {
  return Date.parse(givenAt) > Date.parse(optedOutAt ?? "");
}

/** What allows it, for HubSpot's own record: the ledger's event, and nothing about the person. */
function legalOf({ basis, evidence, givenAt }: SubscribeCall["input"]): Legal {
  return {
    legalBasis: legalBases[basis] ?? "LEGITIMATE_INTEREST_OTHER",
    legalBasisExplanation: explainConsent(evidence, givenAt),
  };
}

function instructionFor(newer: readonly string[], locked: readonly string[]): string {
  const parts = [
    ...(newer.length === 0
      ? []
      : [
          `HubSpot has an opt-out from ${newer.join(", ")} that is no older than the consent, so it stands. Record it in heed; the person can choose anew.`,
        ]),
    ...(locked.length === 0
      ? []
      : [
          `HubSpot keeps an older opt-out from everything, which its API does not lift, so ${locked.join(", ")} is not sent. Have the person lift it on HubSpot's preferences page.`,
        ]),
  ];
  return parts.join(" ");
}

function subscribed(call: SubscribeCall): readonly string[] {
  const resolved = call.targets.filter(({ kind }) => kind === "address").map(({ id }) => id);
  return resolved.length > 0 ? [...new Set(resolved)] : addressesOf(call);
}

/** The topics of each brand: one question answers all of them. */
function byBrand(
  { input }: SubscribeCall,
  topics: Topics,
): ReadonlyMap<string | undefined, readonly string[]> {
  return Map.groupBy(input.topics, (topic) => bindingOf(topics, topic, "subscribe").brandId);
}
