import type { CallContext } from "@heed/core/contract";
import type { z } from "zod";
import { accountCalls } from "./account-calls.ts";
import { contactCalls } from "./contact-calls.ts";
import type { Asking, RawAnswer } from "./hubspot-error.ts";
import { type HubspotConnection, type HubspotRequest, readAnswer, sendRequest } from "./hubspot-request.ts";
import { objectCalls } from "./object-calls.ts";
import { preferenceBatchCalls } from "./preference-batch-calls.ts";
import { preferenceCalls } from "./preference-calls.ts";
import type { HubspotBucket } from "./rate-limits.ts";

/** How the calls of each kind reach HubSpot: each takes one turn and goes out once. */
export interface Line {
  /** For example `"2026-09"`. */
  readonly version: string;
  readonly operation: Asking;
  readonly send: (request: HubspotRequest) => Promise<RawAnswer>;
  /** @throws UnavailableError when the answer is not of the shape */
  readonly ask: <T>(request: HubspotRequest, schema: z.ZodType<T>) => Promise<T>;
}

/** Every call that the adapter makes to HubSpot, for one question of the engine. */
export type HubspotCalls = ReturnType<typeof hubspotCalls>;

/** Lends the calls to one question of the engine. Each takes one turn and goes out once. */
export function hubspotCalls(
  connection: HubspotConnection,
  context: CallContext<HubspotBucket>,
  operation: Asking,
) {
  const send = (request: HubspotRequest) => sendRequest(connection, context, operation, request);
  const line: Line = {
    version: connection.apiVersion,
    operation,
    send,
    ask: async (request, schema) => readAnswer(await send(request), schema, operation),
  };
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
