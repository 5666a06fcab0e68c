import type { CallContext } from "@heed/core/contract";
import type { z } from "zod";
import type { HubspotClient } from "./hubspot-client.ts";
import {
  abandoned,
  type Asking,
  hubspotError,
  type RawAnswer,
  unanswered,
  unreadable,
} from "./hubspot-error.ts";
import { type HubspotBucket, type HubspotBuckets, reportRemaining } from "./rate-limits.ts";

/** How HubSpot is reached. */
export interface HubspotConnection {
  readonly client: HubspotClient;
  /** For example `"2026-09"`. */
  readonly apiVersion: string;
  /** The account's IANA zone, when the application knows it. */
  readonly timeZone: string | undefined;
}

/** One HTTP call. */
interface HubspotRequest {
  readonly method: "GET" | "POST" | "PATCH";
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: object;
  /** Statuses other than success that are answers here, for example 400. Default: none. */
  readonly answers?: readonly number[];
}

/** How the calls of each kind reach HubSpot: each takes one turn and goes out once. */
export interface Line {
  /** For example `"2026-09"`. */
  readonly version: string;
  readonly operation: Asking;
  readonly send: (request: HubspotRequest) => Promise<RawAnswer>;
  /** @throws UnavailableError when the answer is not of the shape */
  readonly ask: <T>(request: HubspotRequest, schema: z.ZodType<T>) => Promise<T>;
}

/** The line on which one question of the engine is asked. */
export function openLine(
  connection: HubspotConnection,
  context: CallContext<HubspotBucket>,
  operation: Asking,
): Line {
  const send = (request: HubspotRequest) => sendRequest(connection, context, operation, request);
  return {
    version: connection.apiVersion,
    operation,
    send,
    ask: async (request, schema) => readAnswer(await send(request), schema, operation),
  };
}

/**
 * Takes a turn, sends one request, and answers what HubSpot said, or with one of heed's errors. Nothing is
 * repeated. `apiRequest` resolves with answers of every status, and rejects only when there was none.
 */
async function sendRequest(
  { client, timeZone }: HubspotConnection,
  context: CallContext<HubspotBucket>,
  operation: Asking,
  { method, path, query, body, answers = [] }: HubspotRequest,
): Promise<RawAnswer> {
  const buckets: HubspotBuckets = timeZone === undefined ? ["burst"] : ["burst", "daily"];
  await context.turn(...buckets);
  if (context.signal.aborted) throw abandoned(operation);
  const given = receive(client, {
    method,
    path,
    ...(query === undefined ? {} : { qs: query }),
    ...(body === undefined ? {} : { body }),
  });
  let answer: RawAnswer | "abandoned";
  try {
    answer = await untilAborted(given, context.signal);
  } catch (error) {
    throw unanswered(operation, error);
  }
  if (answer === "abandoned") throw abandoned(operation);
  await reportRemaining(context, answer.headers, buckets);
  if ((answer.status < 200 || answer.status >= 300) && !answers.includes(answer.status)) {
    throw hubspotError(answer, { operation, now: context.now(), timeZone });
  }
  return answer;
}

/** Reads a successful answer. @throws UnavailableError when it is empty, no JSON, or of another shape */
export function readAnswer<T>(answer: RawAnswer, schema: z.ZodType<T>, operation: Asking): T {
  const unread = () => unreadable(operation, answer.status);
  let json: unknown;
  try {
    json = JSON.parse(answer.text);
  } catch {
    throw unread();
  }
  const parsed = schema.safeParse(json);
  // The schema's own error is not passed on: it may quote what HubSpot said.
  if (!parsed.success) throw unread();
  return parsed.data;
}

async function receive(
  client: HubspotClient,
  options: Parameters<HubspotClient["apiRequest"]>[0],
): Promise<RawAnswer> {
  const response = await client.apiRequest(options);
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** The client cannot be interrupted, so its answer is left behind. */
function untilAborted<T>(answer: Promise<T>, signal: AbortSignal): Promise<T | "abandoned"> {
  return new Promise((resolve, reject) => {
    const abandon = () => resolve("abandoned");
    signal.addEventListener("abort", abandon, { once: true });
    answer.then(resolve, reject).finally(() => signal.removeEventListener("abort", abandon));
  });
}
