import { isHeedError } from "../errors/heed-error.ts";

/** What a failure means for the engine. Recognised by marker and name, so that it works across copies of the package. */
export type Trouble =
  | { readonly kind: "rate-limited"; readonly retryAfterMs: number; readonly bucket: string | undefined }
  /** The account is refused as a whole (401, 403): every step of it waits for somebody to mend that. */
  | { readonly kind: "account-refused" }
  /** This call is refused: repeating it will not help. */
  | { readonly kind: "rejected" }
  | { readonly kind: "lease-lost" }
  /** This worker is told to stop, and does not wait for the answer any longer. */
  | { readonly kind: "stopped" }
  /** The adapter threw a `TypeError` or the like: a defect, reported as such. */
  | { readonly kind: "unavailable"; readonly because: "unavailable" | "adapter-failed" };

export function troubleOf(error: unknown): Trouble {
  if (!isHeedError(error))
    return { kind: "unavailable", because: isAbort(error) ? "unavailable" : "adapter-failed" };
  const details = error as { status?: unknown; retryAfterMs?: unknown; bucket?: unknown };
  if (error.code === "lease-lost") return { kind: "lease-lost" };
  if (error.code === "stopped") return { kind: "stopped" };
  switch (error.name) {
    case "RateLimitedError":
      return {
        kind: "rate-limited",
        retryAfterMs: isWaitMs(details.retryAfterMs)
          ? Math.min(details.retryAfterMs, longestPushBackMs)
          : 1000,
        bucket: typeof details.bucket === "string" ? details.bucket : undefined,
      };
    case "RejectedError":
      return details.status === 401 || details.status === 403
        ? { kind: "account-refused" }
        : { kind: "rejected" };
    case "UnavailableError":
      return { kind: "unavailable", because: "unavailable" };
    default:
      return { kind: "unavailable", because: "adapter-failed" };
  }
}

/**
 * The longest that a vendor's "slow down" is obeyed before it is asked again, in milliseconds: the longest day. A
 * mistake of its own would otherwise silence every opt-out at the account for as long as it says.
 */
export const longestPushBackMs = 25 * 3_600_000;

/** Whether a wait is one that a date can be moved by: finite, not negative, at most a year. */
export function isWaitMs(ms: unknown): ms is number {
  return typeof ms === "number" && ms >= 0 && ms <= 366 * 86_400_000;
}

function isAbort(error: unknown): boolean {
  return (
    typeof error === "object" &&
    error !== null &&
    "name" in error &&
    (error.name === "AbortError" || error.name === "TimeoutError")
  );
}

const firstWaitMs = 2_000;
const longestWaitMs = 3_600_000;

/** How long to wait before try number `tries + 1`, in milliseconds: doubling, at most an hour. */
export function backoffMs(tries: number): number {
  return Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(tries, 20));
}

/** How long a step waits when its whole account is refused, in milliseconds. */
export const accountRefusedWaitMs = 15 * 60_000;
