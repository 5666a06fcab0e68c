/** What every object of the account has. */
export interface StripeObject {
  readonly id: string;
  readonly object: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly livemode: boolean;
}

/** An object of a customer, of an account of the v2 API, or of a guest: then both are `null`. */
export interface OwnedObject extends StripeObject {
  customer: string | null;
  customer_account: string | null;
}

interface Person {
  name: string | null;
  email: string | null;
}

/** A postal address. */
export type PostalAddress = Record<string, string | null>;

/** A customer. A deleted one keeps its id and nothing else. */
export interface CustomerObject extends StripeObject {
  deleted: boolean;
  email: string | null;
  name: string | null;
  individual_name: string | null;
  business_name: string | null;
  phone: string | null;
  description: string | null;
  address: PostalAddress | null;
  shipping: { name: string | null; phone: string | null; address: PostalAddress | null } | null;
  metadata: Record<string, string>;
  preferred_locales: readonly string[];
  default_source: string | null;
  invoice_settings: { default_payment_method: string | null };
  /** The clock of a simulation that it lives by. It is then left out of lists that do not ask for it. */
  test_clock: string | null;
}

/** An account of the v2 API that stands for a customer. */
export interface CustomerAccountObject extends StripeObject {
  closed: boolean;
  readonly contact_email: string | null;
  readonly display_name: string | null;
}

/** A payment method. It has no owner once it was detached, which is for ever. */
export interface PaymentMethodObject extends OwnedObject {
  readonly type: string;
  readonly allow_redisplay: string;
  billing_details: Person;
  readonly card?: {
    readonly brand: string;
    readonly last4: string;
    readonly exp_month: number;
    readonly exp_year: number;
    readonly fingerprint: string;
  };
}

/** A legacy source: a card, a bank account or a source that hangs at a customer. */
export interface SourceObject extends StripeObject {
  readonly customer: string;
  name: string | null;
  readonly last4: string;
}

export interface SetupIntentObject extends OwnedObject {
  status: string;
  readonly payment_method: string | null;
  readonly client_secret: string;
}

export interface PaymentIntentObject extends OwnedObject {
  status: string;
  readonly amount: number;
  readonly payment_method: string | null;
  readonly setup_future_usage: string | null;
  readonly client_secret: string;
  receipt_email: string | null;
  /** The id of the charge that it made last. */
  latest_charge: string | null;
}

/** A Checkout Session. `customer_details` are filled in when it is complete. */
export interface CheckoutSessionObject extends OwnedObject {
  status: string;
  readonly mode: string;
  readonly client_secret: string | null;
  readonly payment_intent: string | null;
  readonly setup_intent: string | null;
  customer_email: string | null;
  customer_details: Person | null;
}

export interface SubscriptionObject extends OwnedObject {
  status: string;
  default_payment_method: string | null;
  default_source: string | null;
  cancel_at_period_end: boolean;
  cancel_at: number | null;
  ended_at: number | null;
  schedule: string | null;
  items: { object: "list"; data: { id: string; current_period_end: number }[] };
  payment_settings: { save_default_payment_method: "off" | "on_subscription" | null };
}

export interface ScheduleObject extends OwnedObject {
  status: string;
  subscription: string | null;
}

export interface InvoiceObject extends OwnedObject {
  customer_email: string | null;
  customer_name: string | null;
  readonly total: number;
  status: string;
  default_payment_method: string | null;
  default_source: string | null;
}

export interface ChargeObject extends OwnedObject {
  readonly amount: number;
  billing_details: Person;
  receipt_email: string | null;
  disputed: boolean;
  /** `succeeded`, `pending` or `failed`. */
  status: string;
  /** False for an amount that is reserved and not collected yet. */
  captured: boolean;
  refunded: boolean;
  readonly payment_intent: string | null;
  readonly outcome: { readonly risk_level: string; readonly risk_score: number };
  readonly payment_method_details: {
    readonly type: string;
    readonly card: { readonly last4: string; readonly fingerprint: string };
  };
}

export interface DisputeObject extends StripeObject {
  readonly charge: string;
  status: string;
}

/** An object that is only read: a credit note, a quote, a tax id, … */
export interface RecordObject extends OwnedObject {
  readonly [field: string]: unknown;
}

/** A redaction job. */
export interface RedactionJobObject extends StripeObject {
  status: string;
  readonly validation_behavior: string;
  readonly objects: Readonly<Record<string, readonly string[]>>;
  validation_errors: readonly ValidationError[];
  /** When it goes on to its next state by itself: seconds since 1970. */
  movesAt: number | null;
}

/** Why a job cannot redact. */
export interface ValidationError {
  readonly id: string;
  readonly object: "privacy.redaction_job_validation_error";
  readonly code: string;
  readonly erroring_object: { readonly id: string; readonly object_type: string } | null;
  readonly message: string;
}

/** All that the account holds, oldest first. Plain data: it can be read, changed and copied. */
export interface StripeState {
  readonly customers: Map<string, CustomerObject>;
  readonly customerAccounts: Map<string, CustomerAccountObject>;
  readonly paymentMethods: Map<string, PaymentMethodObject>;
  readonly sources: Map<string, SourceObject>;
  readonly setupIntents: Map<string, SetupIntentObject>;
  readonly paymentIntents: Map<string, PaymentIntentObject>;
  readonly checkoutSessions: Map<string, CheckoutSessionObject>;
  readonly subscriptions: Map<string, SubscriptionObject>;
  readonly schedules: Map<string, ScheduleObject>;
  readonly invoices: Map<string, InvoiceObject>;
  readonly charges: Map<string, ChargeObject>;
  readonly disputes: Map<string, DisputeObject>;
  readonly records: Map<string, RecordObject>;
  readonly redactionJobs: Map<string, RedactionJobObject>;
  /** Whose a detached payment method was: what a redaction of the customer reaches. */
  readonly formerOwners: Map<string, string>;
  /** What the search index was told, and when (milliseconds since 1970). It lags behind the customers. */
  readonly indexed: {
    /** Of each customer, oldest first. */
    readonly versions: Map<string, readonly { readonly at: number; readonly customer: CustomerObject }[]>;
    /** Who ever had an address, in lower case. */
    readonly holders: Map<string, Set<string>>;
  };
}

export function emptyState(): StripeState {
  return {
    customers: new Map(),
    customerAccounts: new Map(),
    paymentMethods: new Map(),
    sources: new Map(),
    setupIntents: new Map(),
    paymentIntents: new Map(),
    checkoutSessions: new Map(),
    subscriptions: new Map(),
    schedules: new Map(),
    invoices: new Map(),
    charges: new Map(),
    disputes: new Map(),
    records: new Map(),
    redactionJobs: new Map(),
    formerOwners: new Map(),
    indexed: { versions: new Map(), holders: new Map() },
  };
}

/** A customer of whom nothing is known. */
export const blankCustomer = () => ({
  email: null,
  name: null,
  individual_name: null,
  business_name: null,
  phone: null,
  description: null,
  address: null,
  shipping: null,
  metadata: {},
  preferred_locales: [],
  default_source: null,
  invoice_settings: { default_payment_method: null },
});
