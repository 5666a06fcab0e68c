import type { Limit, WindowLimit } from "@heed/core/contract";

const ordinary: WindowLimit = { calls: 25, perMs: 1000 };

/** How closely Stripe's limits are used. */
export type StripePace = Pick<WindowLimit, "burst" | "delayMs">;

/** One bucket for each endpoint that is read: Stripe counts every named API operation by itself. */
const readLimits = {
  "account-read": ordinary,
  "customer-list": ordinary,
  "customer-search": { calls: 20, perMs: 1000 },
  "customer-read": ordinary,
  "customer-account-read": ordinary,
  "customer-method-list": ordinary,
  "method-list": ordinary,
  "method-read": ordinary,
  "source-list": ordinary,
  "setup-intent-list": ordinary,
  "payment-intent-list": ordinary,
  "payment-intent-read": ordinary,
  "session-list": ordinary,
  "subscription-list": ordinary,
  "schedule-list": ordinary,
  "invoice-list": ordinary,
  "invoice-item-list": ordinary,
  "credit-note-list": ordinary,
  "charge-list": ordinary,
  "dispute-list": ordinary,
  "quote-list": ordinary,
  "promotion-code-list": ordinary,
  "balance-transaction-list": ordinary,
  "redaction-list": ordinary,
  "redaction-read": ordinary,
  "redaction-error-list": ordinary,
} as const satisfies Record<string, WindowLimit>;

const writeLimits = {
  "customer-update": ordinary,
  "customer-delete": ordinary,
  "customer-account-close": ordinary,
  detach: ordinary,
  "source-delete": ordinary,
  "setup-intent-cancel": ordinary,
  "payment-intent-cancel": ordinary,
  "session-expire": ordinary,
  "subscription-update": ordinary,
  "subscription-cancel": ordinary,
  "schedule-release": ordinary,
  "invoice-update": ordinary,
  "invoice-delete": ordinary,
  "redaction-create": ordinary,
  "redaction-run": ordinary,
} as const satisfies Record<string, WindowLimit>;

/** The bucket of one endpoint. */
export type EndpointBucket = keyof typeof readLimits | keyof typeof writeLimits;

/** What a call to Stripe counts against: the account as a whole, the endpoint, and the allowance for reads. */
export type StripeBucket = "global" | "reads" | EndpointBucket;

/** Whether calls of this bucket count against Stripe's read allowance. */
export function isRead(bucket: EndpointBucket): boolean {
  return bucket in readLimits;
}

/**
 * Stripe's limits: 25 calls a second on each endpoint, 20 on search, and for the account as a whole 100 a
 * second in live mode and 25 in test mode. Reads have an allowance besides: 500 for each transaction of the
 * last thirty days, and at least 10,000 a month. What that comes to a day is the application's to say.
 *
 * @see https://docs.stripe.com/rate-limits
 */
export function stripeLimits(
  live: boolean,
  readsPerDay?: number,
  pace: StripePace = {},
): Readonly<Record<StripeBucket, Limit>> {
  const global = live ? 100 : 25;
  // Where nothing was said no turn of it is taken, and the day holds no more than its seconds.
  const reads = { calls: readsPerDay ?? global * 86_400, perDay: { zone: "UTC" } };
  const windows: Record<Exclude<StripeBucket, "reads">, WindowLimit> = {
    global: { calls: global, perMs: 1000 },
    ...readLimits,
    ...writeLimits,
  };
  let bucket: keyof typeof windows;
  for (bucket in windows) windows[bucket] = { ...windows[bucket], ...pace };
  return { ...windows, reads };
}
