import type { ErrorBody } from "./hubspot-answers.ts";

const dayMs = 24 * 60 * 60 * 1000;
const hourMs = 60 * 60 * 1000;

/** What a 429 or 477 says about waiting. */
export interface SlowDown {
  readonly headers: Headers;
  readonly body: ErrorBody;
  readonly now: Date;
  /** The account's zone, whose midnight ends the daily quota. Without it, ask again in an hour. */
  readonly timeZone: string | undefined;
}

/**
 * How long to wait, in milliseconds: `Retry-After` in seconds where HubSpot says it, or else the window of
 * the limit that was reached: a second, ten seconds, or until midnight in the account's zone.
 *
 * @see https://developers.hubspot.com/docs/api/usage-details
 */
export function retryAfterMs({ headers, body, now, timeZone }: SlowDown): number {
  const said = headers.get("retry-after");
  if (said !== null && /^\d{1,6}$/.test(said)) return Number(said) * 1000;
  const policy = policyOf(body);
  if (policy.includes("TEN_SECONDLY")) return 10_000;
  if (policy.includes("SECONDLY")) return 1000;
  if (policy.includes("DAILY")) return timeZone === undefined ? hourMs : untilMidnightMs(now, timeZone);
  return 10_000;
}

/** Whether it is the day's quota that is used up. */
export const isDailyQuota = (body: ErrorBody): boolean => policyOf(body).includes("DAILY");

const policyOf = (body: ErrorBody) => (body.policyName ?? body.message ?? "").toUpperCase();

/** Milliseconds until the next civil day begins in a zone, a day of 23 or 25 hours included. */
export function untilMidnightMs(now: Date, timeZone: string): number {
  const clock = new Intl.DateTimeFormat("en-GB", {
    timeZone,
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  });
  const sinceMidnightMs = (instant: number) => {
    const [hours = 0, minutes = 0, seconds = 0] = clock.format(instant).split(":").map(Number);
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + (instant % 1000);
  };
  const guess = now.getTime() + dayMs - sinceMidnightMs(now.getTime());
  // Where the clocks change in between, the guess is an hour past midnight or an hour short of it.
  const off = sinceMidnightMs(guess);
  return guess - (off > dayMs / 2 ? off - dayMs : off) - now.getTime();
}
