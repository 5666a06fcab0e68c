/** What every object of the account has. */
export interface StripeObject {
  readonly id: string;
  readonly object: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly livemode: boolean;
}

/** A customer. A deleted one keeps its id and nothing else. */
export interface CustomerObject extends StripeObject {
  deleted: boolean;
  email: string | null;
  name: string | null;
  phone: string | null;
  description: string | null;
  default_source: string | null;
  invoice_settings: { default_payment_method: string | null };
}

/** A payment method. `customer` is `null` once it was detached, which is for ever. */
export interface PaymentMethodObject extends StripeObject {
  customer: string | null;
  readonly type: string;
  readonly allow_redisplay: string;
  readonly billing_details: { readonly name: string | null; readonly email: string | null };
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
  readonly name: string | null;
  readonly last4: string;
}

export interface SubscriptionObject extends StripeObject {
  readonly customer: string;
  status: string;
  default_payment_method: string | null;
  default_source: string | null;
}

export interface ScheduleObject extends StripeObject {
  readonly customer: string;
  status: string;
}

export interface InvoiceObject extends StripeObject {
  readonly customer: string;
  readonly customer_email: string | null;
  readonly customer_name: string | null;
  readonly total: number;
  status: string;
}

export interface ChargeObject extends StripeObject {
  readonly customer: string;
  readonly amount: number;
  readonly billing_details: { readonly name: string | null; readonly email: string | null };
  disputed: boolean;
}

export interface DisputeObject extends StripeObject {
  readonly charge: string;
  status: string;
}

/** All that the account holds, oldest first. Plain data: it can be read, changed and copied. */
export interface StripeState {
  readonly customers: Map<string, CustomerObject>;
  readonly paymentMethods: Map<string, PaymentMethodObject>;
  readonly sources: Map<string, SourceObject>;
  readonly subscriptions: Map<string, SubscriptionObject>;
  readonly schedules: Map<string, ScheduleObject>;
  readonly invoices: Map<string, InvoiceObject>;
  readonly charges: Map<string, ChargeObject>;
  readonly disputes: Map<string, DisputeObject>;
  /** What the search index was told, and when (milliseconds since 1970). It lags behind the customers. */
  readonly indexed: { readonly at: number; readonly customer: CustomerObject }[];
}

export function emptyState(): StripeState {
  return {
    customers: new Map(),
    paymentMethods: new Map(),
    sources: new Map(),
    subscriptions: new Map(),
    schedules: new Map(),
    invoices: new Map(),
    charges: new Map(),
    disputes: new Map(),
    indexed: [],
  };
}
