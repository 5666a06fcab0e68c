import type { Answers, Call, Outcome } from "@heed/core/contract";
import type { AccountMemory } from "./account-memory.ts";
import type { HubspotKind } from "./addresses.ts";
import { brandsOf } from "./brands.ts";
import { type Removal, removeContacts } from "./erase.ts";
import type { HubspotCalls } from "./hubspot-calls.ts";
import type { Topics } from "./topics.ts";
import { type OptOut, silence } from "./silence.ts";

type ExcludeCall = Call<"exclude", HubspotKind>;

/**
 * Opts each address of the subject's contacts out of everything of every brand, then removes the contacts as an
 * erasure does. The archive would do neither half: whoever is there can be restored for 90 days, and an import brings
 * them back. Where an opt-out is not confirmed, the contact stays until it is.
 */
export async function excludeContacts(
  calls: HubspotCalls,
  memory: AccountMemory,
  batch: readonly ExcludeCall[],
  topics: Topics,
  removal: Removal,
): Promise<Answers<Outcome<"exclude">>> {
  const addressesIn = ({ targets }: ExcludeCall) =>
    targets.filter(({ kind }) => kind === "address").map(({ id }) => id);
  const hasAddresses = batch.some((call) => addressesIn(call).length > 0);
  const brands = hasAddresses ? await brandsOf(calls, memory, topics) : new Set<string>();
  const silenced = await silence(
    calls,
    memory,
    batch.map((call) => ({
      id: call.id,
      optOuts: addressesIn(call).flatMap((address) =>
        [...brands].map((brandId): OptOut => ({ address, brandId })),
      ),
    })),
  );
  const silent = batch.filter(({ id }) => ["done", "absent"].includes(silenced.get(id)?.status ?? ""));
  const removed = silent.length === 0 ? new Map() : await removeContacts(calls, silent, removal);
  const answers = new Map<string, Outcome<"exclude">>();
  for (const { id } of batch) {
    const opted = silenced.get(id);
    const outcome: Outcome<"exclude"> | undefined = opted?.status === "failed" ? opted : removed.get(id);
    if (outcome !== undefined) answers.set(id, outcome);
  }
  return answers;
}
