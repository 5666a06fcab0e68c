import {
  type OperationName,
  type ProcessorError,
  RateLimitedError,
  RejectedError,
  UnavailableError,
} from "@heed/core/contract";
import { errorSchema } from "./hubspot-answers.ts";
import { isDailyQuota, retryAfterMs } from "./retry-after.ts";

/** What a call was made for. */
export type Asking = OperationName | "check";

/** Which call failed, and what is needed to say how long to wait. */
export interface FailedCall {
  readonly operation: Asking;
  readonly now: Date;
  readonly timeZone: string | undefined;
}

/** An answer as it came. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** Statuses that pass by themselves although they are 4xx: time-out, locked object. */
const passing = new Set([408, 423]);

/**
 * Turns an answer other than success into heed's errors, and copies nothing of HubSpot's text, which may quote
 * an address: only the status, a known category and HubSpot's correlation id are kept.
 *
 * - 429, and 477 (the account is being moved to another data centre): `RateLimitedError`
 * - 401, 403 and other 4xx: `RejectedError`, with a code that says which: `unauthorized`, `missing-scope`,
 *   `forbidden`, `object-not-found` (HubSpot names the object as missing), `unknown-route` (any other 404)
 * - 408, 423, 5xx and whatever is no HTTP success or failure: `UnavailableError`
 *
 * @see https://developers.hubspot.com/docs/api-reference/error-handling
 */
export function hubspotError({ status, headers, text }: RawAnswer, call: FailedCall): ProcessorError {
  const body = errorSchema.parse(parseJson(text));
  const about = {
    processor: "hubspot",
    operation: call.operation,
    status,
    ...(body.correlationId === undefined ? {} : { requestId: body.correlationId }),
  };
  if (status === 429 || status === 477) {
    const { now, timeZone } = call;
    return new RateLimitedError(`HubSpot asks to slow down (HTTP ${status}).`, {
      ...about,
      retryAfterMs: retryAfterMs({ headers, body, now, timeZone }),
      bucket: isDailyQuota(body) && timeZone !== undefined ? "daily" : "burst",
    });
  }
  if (status < 400 || status >= 500 || passing.has(status)) {
    return new UnavailableError(`HubSpot gave no usable answer (HTTP ${status}).`, about);
  }
  if (status === 401) {
    return new RejectedError("HubSpot does not accept the access token. Check that it is valid.", {
      ...about,
      code: "unauthorized",
    });
  }
  if (status === 403) {
    return body.category === "MISSING_SCOPES"
      ? new RejectedError("The access token lacks a scope. heed's check says which.", {
          ...about,
          code: "missing-scope",
        })
      : new RejectedError("HubSpot forbids this to the access token.", { ...about, code: "forbidden" });
  }
  if (status === 404) {
    return body.category === "OBJECT_NOT_FOUND"
      ? new RejectedError("HubSpot has no such object.", { ...about, code: "object-not-found" })
      : new RejectedError("HubSpot does not know this URL. Check apiVersion and baseUrl.", {
          ...about,
          code: "unknown-route",
        });
  }
  return new RejectedError(`HubSpot refused the request (HTTP ${status}).`, about);
}

/** True when HubSpot itself names the object as missing: not when a URL, token or scope was wrong. */
export function isObjectNotFound(error: unknown): boolean {
  return error instanceof RejectedError && error.code === "object-not-found";
}

/** True when the refusal is about this one subject, so that the next call may still succeed. */
export function concernsOneCall(error: unknown): error is RejectedError {
  if (!(error instanceof RejectedError) || error.code === "unknown-route") return false;
  return error.status !== 401 && error.status !== 403;
}

/** An answer that came, and is not of the shape that HubSpot documents. */
export function unreadable(operation: Asking, status: number): UnavailableError {
  return new UnavailableError("HubSpot answered in a shape that cannot be read.", {
    processor: "hubspot",
    operation,
    status,
    code: "unreadable-answer",
  });
}

/** No answer: the connection failed. Of what the client threw, only a system error code is kept. */
export function unanswered(operation: Asking, thrown: unknown): UnavailableError {
  const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown;
  const code = typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : "";
  return new UnavailableError("HubSpot could not be reached, or the connection broke.", {
    processor: "hubspot",
    operation,
    ...(/^[A-Z][A-Z_]{2,40}$/.test(code) ? { cause: new Error(code) } : {}),
  });
}

/** The engine waits no longer. What was sent may still have its effect: only reading back tells. */
export function abandoned(operation: Asking): UnavailableError {
  return new UnavailableError("HubSpot's answer is no longer waited for.", {
    processor: "hubspot",
    operation,
    code: "abandoned",
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
