import type { Answers, Call, Observation, Outcome, SeenChoice } from "@heed/core/contract";
import type { AccountMemory } from "./account-memory.ts";
import { type HubspotKind, keysOf } from "./addresses.ts";
import { answerEach } from "./answer-each.ts";
import { brandsOf } from "./brands.ts";
import { findContacts } from "./find-contacts.ts";
import type { Status } from "./hubspot-answers.ts";
import type { HubspotCalls } from "./hubspot-calls.ts";
import type { Topics } from "./topics.ts";
import { isOwnExplanation, wideOptOutIn } from "./preference-calls.ts";

type ObserveCall = Call<"observe", HubspotKind>;

/**
 * Reads what every address of the person has chosen at HubSpot, and since when. What heed's own call made so is known by
 * the explanation that HubSpot files with it; where HubSpot shows none, nobody can tell. Of a contact that is merely new,
 * as after an import there are many, whose it is is read alone.
 */
export async function observeContacts(
  calls: HubspotCalls,
  memory: AccountMemory,
  batch: readonly ObserveCall[],
  topics: Topics,
): Promise<Answers<Outcome<"observe">>> {
  const searched = (call: ObserveCall) => call.identifiers.flatMap(keysOf);
  const search = { archived: "where-none-is-live" } as const;
  const { contacts, unknown } = await findContacts(calls, batch.flatMap(searched), search);
  const known = batch.filter((call) => !searched(call).some((key) => unknown.has(key)));
  const brands = known.some(isAboutChoices) ? await brandsOf(calls, memory, topics) : new Set<string>();
  return answerEach(known, async (call): Promise<Outcome<"observe">> => {
    const keys = searched(call);
    const held = contacts.filter((contact) => keys.some((key) => contact.keys.has(key)));
    const addresses = new Set(held.flatMap((contact) => contact.addresses));
    if (addresses.size === 0) return { status: "absent" };
    const choices: SeenChoice[] = [];
    if (isAboutChoices(call))
      for (const address of addresses) choices.push(...(await choicesOf(calls, address, brands, topics)));
    return {
      status: "done",
      choices,
      addresses: [...addresses].map((value) => ({ kind: "email", value })),
    } satisfies Observation;
  });
}

const isAboutChoices = ({ input }: ObserveCall) => input.saw.some((saw) => saw !== "record-stored");

async function choicesOf(
  calls: HubspotCalls,
  address: string,
  brands: ReadonlySet<string>,
  topics: Topics,
): Promise<readonly SeenChoice[]> {
  const choices: SeenChoice[] = [];
  for (const brand of brands) {
    const wide = wideOptOutIn(await calls.wideStatuses(address, brand), brand);
    const wideAt = instantOf(wide?.timestamp);
    if (wideAt !== undefined) choices.push({ saw: "opted-out", topics: "all", at: wideAt });
    const bound = Object.entries(topics).filter(([, { brandId = "0" }]) => brandId === brand);
    if (bound.length === 0) continue;
    const rows = await calls.statuses(address, brand);
    for (const [topic, { subscriptionId }] of bound) {
      const row = rows.find((each) => each.subscriptionId === subscriptionId);
      // Under an opt-out from everything, each row says what that one does.
      if (row !== undefined && wide === undefined) choices.push(...choiceOf(row, topic));
    }
  }
  return choices;
}

function choiceOf(row: Status, topic: string): readonly SeenChoice[] {
  const at = instantOf(row.timestamp);
  const saw =
    row.status === "UNSUBSCRIBED" ? "opted-out" : row.status === "SUBSCRIBED" ? "opted-in" : undefined;
  if (at === undefined || saw === undefined) return [];
  const { legalBasisExplanation: filed } = row;
  return [
    {
      saw,
      topics: [topic],
      at,
      ...(typeof filed === "string" && filed !== "" ? { own: isOwnExplanation(filed) } : {}),
    },
  ];
}

function instantOf(timestamp: string | null | undefined): string | undefined {
  const ms = Date.parse(timestamp ?? "");
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString();
}
