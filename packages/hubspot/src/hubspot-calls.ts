import type { CallContext } from "@heed/core/contract";
import { accountCalls } from "./account-calls.ts";
import { contactCalls } from "./contact-calls.ts";
import type { Asking } from "./hubspot-error.ts";
import { type HubspotConnection, openLine } from "./hubspot-request.ts";
import { objectCalls } from "./object-calls.ts";
import { preferenceBatchCalls } from "./preference-batch-calls.ts";
import { preferenceCalls } from "./preference-calls.ts";
import type { HubspotBucket } from "./rate-limits.ts";

/** Every call that the adapter makes to HubSpot, for one question of the engine. */
export type HubspotCalls = ReturnType<typeof hubspotCalls>;

/** Lends the calls to one question of the engine. Each takes one turn and goes out once. */
export function hubspotCalls(
  connection: HubspotConnection,
  context: CallContext<HubspotBucket>,
  operation: Asking,
) {
  const line = openLine(connection, context, operation);
  return {
    operation,
    now: () => context.now(),
    ...accountCalls(line),
    ...contactCalls(line),
    ...objectCalls(line),
    ...preferenceCalls(line),
    ...preferenceBatchCalls(line),
  };
}
