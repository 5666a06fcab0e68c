import type { Finding } from "@heed/core/contract";
import type { AccountMemory } from "./account-memory.ts";
import { answerEach } from "./answer-each.ts";
import type { FoundContact } from "./find-contacts.ts";
import type { Status, WideStatus } from "./hubspot-answers.ts";
import type { HubspotCalls } from "./hubspot-calls.ts";
import { inChunks } from "./in-chunks.ts";
import { inHalves } from "./in-halves.ts";
import { wideOptOutIn } from "./preference-calls.ts";
import { keyOf, lacksBatches, type OptOut } from "./silence.ts";

type Seen = Finding["seen"];

/** The properties of contacts that mirror these opt-outs. They follow late, and show the primary address alone. */
export function optOutProperties(optOuts: readonly OptOut[]): readonly string[] {
  return [...new Set(["hs_email_optout", ...optOuts.flatMap(propertyOf)])];
}

/** `hs_email_optout` is about the account's own brand; how other brands are mirrored is not documented. */
function propertyOf({ subscriptionId, brandId }: OptOut): string[] {
  if (subscriptionId !== undefined) return [`hs_email_optout_${subscriptionId}`];
  return brandId === "0" ? ["hs_email_optout"] : [];
}

/**
 * Reads opt-outs back. One of a contact's primary address shows in the contact, which was read already; the rest is
 * asked for by address: by the hundred where the account has batches, and otherwise one at a time. What a contact
 * does not show yet may have happened all the same, so only the answer about the address counts as a no.
 *
 * @param isAccountOfOneBrand whether "everything" means the account's own brand alone
 * @returns by key; without those that were not come to
 */
export async function readOptOuts(
  calls: HubspotCalls,
  memory: AccountMemory,
  optOuts: readonly OptOut[],
  contacts: readonly FoundContact[],
  isAccountOfOneBrand: boolean,
): Promise<ReadonlyMap<string, Seen>> {
  const seen = new Map<string, Seen>();
  const primaries = new Map(
    contacts.filter(({ isArchived }) => !isArchived).map((contact) => [contact.primary, contact.properties]),
  );
  const open = new Map<string, OptOut>();
  for (const optOut of optOuts) {
    const shown = primaries.get(optOut.address.toLowerCase());
    const isMirrored = optOut.subscriptionId !== undefined || isAccountOfOneBrand;
    const isShown = isMirrored && propertyOf(optOut).some((name) => shown?.[name] === "true");
    if (isShown) seen.set(keyOf(optOut), "as-asked");
    else open.set(keyOf(optOut), optOut);
  }
  // One question answers all subscription types of an address and brand.
  const questions = Map.groupBy(open.values(), ({ subscriptionId, brandId }) =>
    subscriptionId === undefined ? `wide ${brandId}` : `types ${brandId ?? "0"}`,
  );
  for (const about of questions.values()) {
    const rest = await readMany(calls, memory, about, seen);
    const [first] = rest;
    if (first === undefined) continue;
    const byAddress = [...Map.groupBy(rest, ({ address }) => address)].map(([id, wanted]) => ({
      id,
      wanted,
    }));
    const answered = await answerEach(byAddress, async ({ id, wanted }) => {
      const { subscriptionId, brandId = "0" } = first;
      const judge =
        subscriptionId === undefined
          ? wideJudge(await calls.wideStatuses(id, brandId), brandId)
          : typeJudge(await calls.statuses(id, first.brandId));
      return wanted.map((optOut) => [keyOf(optOut), judge(optOut)] as const);
    });
    for (const pairs of answered.values()) for (const [key, finding] of pairs) seen.set(key, finding);
  }
  return seen;
}

/** By the hundred. @returns those that are still to be asked for alone */
async function readMany(
  calls: HubspotCalls,
  memory: AccountMemory,
  about: readonly OptOut[],
  seen: Map<string, Seen>,
): Promise<readonly OptOut[]> {
  const addresses = [...new Set(about.map(({ address }) => address))];
  const [first] = about;
  if (first === undefined || addresses.length < 2 || !memory.mayBatch(calls.now())) return about;
  const note = (email: string, judge: (optOut: OptOut) => Seen) => {
    for (const optOut of about)
      if (optOut.address.toLowerCase() === email.toLowerCase()) seen.set(keyOf(optOut), judge(optOut));
  };
  const { subscriptionId, brandId = "0" } = first;
  async function read(part: readonly string[]): Promise<void> {
    if (subscriptionId === undefined) {
      for (const row of await calls.wideStatusesOfMany(part, brandId))
        if (row.wideStatuses != null) note(row.subscriberIdString, wideJudge(row.wideStatuses, brandId));
    } else {
      for (const row of await calls.statusesOfMany(part, brandId))
        note(row.subscriberIdString, typeJudge(row.statuses));
    }
  }
  try {
    for (const part of inChunks(addresses, memory.batchSize)) {
      const { fits } = await inHalves(part, read);
      if (fits !== undefined) memory.noteBatchSize(fits);
    }
  } catch (error) {
    if (!lacksBatches(error)) throw error;
    memory.noteNoBatches(calls.now());
  }
  return about.filter((optOut) => !seen.has(keyOf(optOut)));
}

/** No row means not opted out. */
function wideJudge(rows: readonly WideStatus[], brandId: string): () => Seen {
  const isOut = wideOptOutIn(rows, brandId) !== undefined;
  return () => (isOut ? "as-asked" : "not-as-asked");
}

function typeJudge(rows: readonly Status[]): (optOut: OptOut) => Seen {
  return ({ subscriptionId }) => {
    const row = rows.find((each) => each.subscriptionId === subscriptionId);
    if (row === undefined) return "unknown";
    return row.status === "UNSUBSCRIBED" ? "as-asked" : "not-as-asked";
  };
}
