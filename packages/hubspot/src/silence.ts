import { type Answers, type OutcomeOf, RejectedError } from "@heed/core/contract";
import type { AccountMemory } from "./account-memory.ts";
import { answerEach } from "./answer-each.ts";
import type { HubspotCalls } from "./hubspot-calls.ts";
import { inChunks } from "./in-chunks.ts";
import { inHalves } from "./in-halves.ts";
import { orFailed } from "./or-failed.ts";

/** One address that is to get nothing more: of one subscription type, or of everything that a brand sends. */
export type OptOut =
  | { readonly address: string; readonly subscriptionId: string; readonly brandId: string | undefined }
  | { readonly address: string; readonly subscriptionId?: never; readonly brandId: string };

/** The opt-outs of one call, or the refusal that stands in their way. */
export interface Silencing {
  readonly id: string;
  readonly optOuts: readonly OptOut[];
}

/** One opt-out as a text. */
export function keyOf({ address, subscriptionId, brandId }: OptOut): string {
  const wide = subscriptionId === undefined;
  return `${address.toLowerCase()} ${wide ? `brand ${brandId}` : subscriptionId}`;
}

/**
 * Opts addresses out, by the hundred where the account has batches, and otherwise one at a time. Whatever a batch
 * did not confirm is asked for alone, so that every call gets its own answer. A call whose opt-outs were not all
 * confirmed or refused is left out.
 */
export async function silence(
  calls: HubspotCalls,
  memory: AccountMemory,
  asked: readonly Silencing[],
): Promise<Answers<OutcomeOf["unsubscribe"] | { status: "failed"; error: RejectedError }>> {
  const confirmed = await inBatches(
    calls,
    memory,
    asked.flatMap(({ optOuts }) => optOuts),
  );
  return answerEach(asked, ({ optOuts }) =>
    orFailed(async () => {
      if (optOuts.length === 0) return { status: "absent" };
      let affected = 0;
      for (const optOut of optOuts)
        if (confirmed.get(keyOf(optOut)) ?? (await alone(calls, optOut))) affected += 1;
      return { status: "done", affected };
    }),
  );
}

/** True when it changed something; HubSpot does not say so of an opt-out of everything. */
async function alone(calls: HubspotCalls, { address, subscriptionId, brandId }: OptOut): Promise<boolean> {
  if (subscriptionId !== undefined) return calls.unsubscribe(address, subscriptionId);
  await calls.unsubscribeFromAll(address, brandId);
  return true;
}

/** The opt-outs that batches confirmed, and whether each changed something; none without batches. */
async function inBatches(
  calls: HubspotCalls,
  memory: AccountMemory,
  optOuts: readonly OptOut[],
): Promise<ReadonlyMap<string, boolean>> {
  const confirmed = new Map<string, boolean>();
  const distinct = [...new Map(optOuts.map((each) => [keyOf(each), each])).values()];
  // What goes out in one call: all subscription types together, everything brand by brand.
  const groups = Map.groupBy(distinct, ({ subscriptionId, brandId }) =>
    subscriptionId === undefined ? brandId : undefined,
  );
  for (const [brandId, group] of groups) {
    if (group.length < 2 || !memory.mayBatch(calls.now())) continue;
    try {
      for (const part of inChunks(group, memory.batchSize)) {
        const { fits } = await inHalves(part, (some) => sendBatch(calls, brandId, some, confirmed));
        memory.noteBatches();
        if (fits !== undefined) memory.noteBatchSize(fits);
      }
    } catch (error) {
      if (!lacksBatches(error)) throw error;
      memory.noteNoBatches(calls.now());
    }
  }
  return confirmed;
}

async function sendBatch(
  calls: HubspotCalls,
  brandId: string | undefined,
  part: readonly OptOut[],
  confirmed: Map<string, boolean>,
): Promise<void> {
  if (brandId !== undefined) {
    const addresses = await calls.unsubscribeManyFromAll(
      part.map(({ address }) => address),
      brandId,
    );
    for (const address of addresses) confirmed.set(keyOf({ address, brandId }), true);
    return;
  }
  const typed = part.filter((each) => each.subscriptionId !== undefined);
  for (const {
    subscriberIdString,
    subscriptionId,
    status,
    setStatusSuccessReason,
  } of await calls.unsubscribeMany(typed)) {
    if (status !== "UNSUBSCRIBED" || subscriberIdString == null) continue;
    const optOut = { address: subscriberIdString, subscriptionId, brandId: undefined };
    confirmed.set(keyOf(optOut), setStatusSuccessReason !== "NO_STATUS_CHANGE");
  }
}

/**
 * Batches of preferences are for Enterprise accounts: elsewhere the token cannot have their scope. Where the account
 * forbids more than that, asking for one address at a time will say so.
 */
export function lacksBatches(error: unknown): boolean {
  return error instanceof RejectedError && error.status === 403;
}
