import type { AccountMemory } from "./account-memory.ts";
import type { HubspotCalls } from "./hubspot-calls.ts";
import type { Topics } from "./topics.ts";

/** Every brand of the account, found by what it may send; brand 0 is the account's own. */
export function brandsOf(
  calls: HubspotCalls,
  memory: AccountMemory,
  topics: Topics,
): Promise<ReadonlySet<string>> {
  return memory.brands(calls.now(), async () => {
    const definitions = await calls.definitions();
    return new Set([
      "0",
      ...definitions.flatMap(({ businessUnitId }) => businessUnitId ?? []),
      ...Object.values(topics).flatMap(({ brandId }) => brandId ?? []),
    ]);
  });
}
