export type { Additions } from "./additions.ts";
export type { Fault, When } from "./faults.ts";
export type { Found } from "./search-state.ts";
export type { Listening } from "./serve.ts";
export { stripeAccount } from "./stripe-account.ts";
export type { StripeAccount } from "./stripe-account.ts";
export type {
  ChargeObject,
  CustomerObject,
  DisputeObject,
  InvoiceObject,
  PaymentMethodObject,
  ScheduleObject,
  SourceObject,
  StripeObject,
  StripeState,
  SubscriptionObject,
} from "./stripe-objects.ts";
export type { StripeSwitches } from "./switches.ts";
export type { LoggedCall } from "./world.ts";
