export type { Additions } from "./additions.ts";
export type { Fault, When } from "./faults.ts";
export type { Found } from "./search-state.ts";
export type { Listening } from "./serve.ts";
export { stripeAccount } from "./stripe-account.ts";
export type { StripeAccount } from "./stripe-account.ts";
export type {
  ChargeObject,
  CheckoutSessionObject,
  CustomerAccountObject,
  CustomerObject,
  DisputeObject,
  InvoiceObject,
  OwnedObject,
  PaymentIntentObject,
  PaymentMethodObject,
  PostalAddress,
  RecordObject,
  RedactionJobObject,
  ScheduleObject,
  SetupIntentObject,
  SourceObject,
  StripeObject,
  StripeState,
  SubscriptionObject,
  ValidationError,
} from "./stripe-objects.ts";
export type { StripeSwitches } from "./switches.ts";
export type { LoggedCall } from "./world.ts";
