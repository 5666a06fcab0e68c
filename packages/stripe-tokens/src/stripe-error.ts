import {
  type OperationName,
  type ProcessorError,
  RateLimitedError,
  RejectedError,
  UnavailableError,
} from "@heed/core/contract";
import { z } from "zod";
import type { EndpointBucket, StripeBucket } from "./stripe-limits.ts";

/** Which call failed. */
export interface FailedCall {
  readonly operation: OperationName | "check";
  readonly bucket: EndpointBucket;
}

/** Kept only where it has the form of Stripe's ids: everything else of an answer may be personal. */
const requestIdSchema = z
  .string()
  .regex(/^req_\w{1,64}$/)
  .optional()
  .catch(undefined);

/** What is read of the client's errors. Read by shape, so that any copy of the client will do. */
const thrownSchema = z.object({
  statusCode: z.number().int().optional().catch(undefined),
  code: z.string().optional().catch(undefined),
  requestId: requestIdSchema,
  headers: z.record(z.string(), z.unknown()).catch({}),
});

/** What the client adds to each answer. */
const answeredSchema = z.object({ lastResponse: z.object({ requestId: requestIdSchema }) });

/** Stripe documents no `Retry-After`; a second empties every one of its windows. */
const defaultRetryAfterMs = 1000;

/**
 * Turns what the client threw into heed's errors, and copies nothing of Stripe's text, which may quote an
 * address: only the status and Stripe's id of the request are kept.
 *
 * - 429, whichever its reason (a rate, too many at once, a locked object): `RateLimitedError`
 * - 401, 403 and every other 4xx: `RejectedError`. A 404 for a URL that the account does not know is one too:
 *   a missing capability is not an absent object, which only {@link isMissing} recognises.
 * - 409 (another request holds the key), 5xx, no answer, an answer that is not JSON: `UnavailableError`
 *
 * @see https://docs.stripe.com/error-low-level
 */
export function stripeError(thrown: unknown, call: FailedCall): ProcessorError {
  const { statusCode: status, code, requestId, headers } = thrownSchema.catch({ headers: {} }).parse(thrown);
  const about = {
    processor: "stripe-tokens",
    operation: call.operation,
    ...(status === undefined ? {} : { status }),
    ...(requestId === undefined ? {} : { requestId }),
  };
  const where = `Stripe (${call.bucket})`;
  if (status === 429) {
    return new RateLimitedError(`${where} asks to slow down.`, {
      ...about,
      retryAfterMs: retryAfterMs(headers),
      bucket: code === "lock_timeout" ? lockedObject : exhausted(headers, call.bucket),
    });
  }
  if (status === undefined || status < 400 || status >= 500 || status === 409) {
    return new UnavailableError(`${where} gave no usable answer${status ? ` (HTTP ${status})` : ""}.`, about);
  }
  if (code === "resource_missing" || (status === 404 && code === "not_found"))
    return new NoSuchObject(`${where} has no such object.`, about);
  return new RejectedError(
    `${where} refused the request (HTTP ${status}). ${remedies[status] ?? ""}`.trim(),
    about,
  );
}

const remedies: Readonly<Record<number, string>> = {
  401: "Check that the key is valid and not revoked.",
  403: "Give the key the permission.",
  404: "The account does not know this URL: it lacks the capability.",
};

/** To everybody outside this file an ordinary `RejectedError`. */
class NoSuchObject extends RejectedError {}

/** An answer that came, and is not of the shape that Stripe documents. */
export function unreadable(answer: unknown, call: FailedCall): UnavailableError {
  const requestId = answeredSchema.safeParse(answer).data?.lastResponse.requestId;
  return new UnavailableError(`Stripe (${call.bucket}) answered in a shape that cannot be read.`, {
    processor: "stripe-tokens",
    operation: call.operation,
    ...(requestId === undefined ? {} : { requestId }),
  });
}

/** True when Stripe said that the object does not exist: not that a URL, a key or a permission was wrong. */
export function isMissing(error: unknown): boolean {
  return error instanceof NoSuchObject;
}

/** True when Stripe refused to do something to an object as it is: it is gone, or not in the state for it. */
export function wasRefused(error: unknown): boolean {
  return error instanceof RejectedError && (error.status === 400 || error.status === 404);
}

/** True when the account does not know the URL: it lacks the capability. */
export function isUnknownUrl(error: unknown): boolean {
  return error instanceof RejectedError && error.status === 404 && !isMissing(error);
}

function retryAfterMs(headers: Readonly<Record<string, unknown>>): number {
  const seconds = Number(headers["retry-after"]);
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : defaultRetryAfterMs;
}

/** No bucket of the account's: another request holds this one customer, and nobody else has to slow down. */
const lockedObject = "locked-object";

/** A busy endpoint must not slow the whole account down. */
function exhausted(headers: Readonly<Record<string, unknown>>, endpoint: EndpointBucket): StripeBucket {
  return String(headers["stripe-rate-limited-reason"]).startsWith("global-") ? "global" : endpoint;
}
