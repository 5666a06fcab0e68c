export type { StripeAccess } from "./stripe-client.ts";
export type { StripeBucket } from "./stripe-limits.ts";
export type { StripeKind } from "./find-customers.ts";
export type { StripeWebhooks } from "./webhook.ts";
export { stripeTokens } from "./stripe-tokens.ts";
export type { StripeProcessor, StripeTokensOptions } from "./stripe-tokens.ts";
