import type { Limit } from "@heed/core/contract";

const ordinary: Limit = { calls: 25, perMs: 1000 };

/** One bucket for each endpoint that is called: Stripe counts every named API operation by itself. */
const endpointLimits = {
  "account-read": ordinary,
  "customer-list": ordinary,
  "customer-search": { calls: 20, perMs: 1000 },
  "customer-read": ordinary,
  "customer-update": ordinary,
  "customer-method-list": ordinary,
  "method-list": ordinary,
  "method-read": ordinary,
  detach: ordinary,
  "source-list": ordinary,
  "source-delete": ordinary,
  "subscription-list": ordinary,
  "subscription-update": ordinary,
  "schedule-list": ordinary,
  "invoice-list": ordinary,
  "charge-list": ordinary,
  "dispute-list": ordinary,
} as const satisfies Record<string, Limit>;

/** The bucket of one endpoint. */
export type EndpointBucket = keyof typeof endpointLimits;

/** What a call to Stripe counts against: the account as a whole, and the endpoint. */
export type StripeBucket = "global" | EndpointBucket;

/**
 * Stripe's limits: 25 calls a second on each endpoint, 20 on search, and for the account as a whole 100 a
 * second in live mode and 25 in test mode.
 *
 * @see https://docs.stripe.com/rate-limits
 */
export function stripeLimits(live: boolean): Readonly<Record<StripeBucket, Limit>> {
  return { global: { calls: live ? 100 : 25, perMs: 1000 }, ...endpointLimits };
}
