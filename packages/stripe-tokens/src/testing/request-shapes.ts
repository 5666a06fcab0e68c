import { type Params, one } from "./form.ts";
import { StripeFailure, unknownParameter } from "./stripe-failure.ts";

/** What a parameter may be: any text, a whole number, `true` or `false`, or one of these words. */
type Shape = "string" | "integer" | "boolean" | readonly string[];

const page = { limit: "integer", starting_after: "string", ending_before: "string" } as const;
const expand = { "expand[]": "string" } as const;
const created = {
  created: "integer",
  "created[gt]": "integer",
  "created[gte]": "integer",
  "created[lt]": "integer",
  "created[lte]": "integer",
} as const;
const ofOwner = { customer: "string", customer_account: "string" } as const;
const methodFilter = {
  allow_redisplay: ["always", "limited", "unspecified"],
  // Those that the stand-in knows, of several dozen.
  type: ["card", "custom", "link", "paypal", "sepa_debit", "us_bank_account"],
} as const;
const address = (of: string): Readonly<Record<string, Shape>> =>
  Object.fromEntries(
    ["city", "country", "line1", "line2", "postal_code", "state"].map((part) => [`${of}[${part}]`, "string"]),
  );
/** Text only where it clears the whole. */
const cleared = [""] as const;
const customer = {
  ...expand,
  ...address("address"),
  address: cleared,
  business_name: "string",
  description: "string",
  email: "string",
  individual_name: "string",
  metadata: cleared,
  "metadata[*]": "string",
  name: "string",
  phone: "string",
  "preferred_locales[]": "string",
  ...address("shipping[address]"),
  "shipping[name]": "string",
  "shipping[phone]": "string",
  shipping: cleared,
} as const;
const jobStatuses = [
  "canceled",
  "canceling",
  "created",
  "failed",
  "ready",
  "redacting",
  "succeeded",
  "validating",
] as const;

/**
 * The parameters of each endpoint, as Stripe's OpenAPI description has them: of its lists all, of its writes
 * those that the stand-in acts on. Whatever else is sent is refused, as Stripe refuses it.
 *
 * @see https://github.com/stripe/openapi
 */
export const requestShapes: Readonly<Record<string, Readonly<Record<string, Shape>>>> = {
  "GET /v1/account": expand,
  "GET /v1/customers": { ...created, ...expand, ...page, email: "string", test_clock: "string" },
  "GET /v1/customers/search": { ...expand, query: "string", limit: "integer", page: "string" },
  "GET /v1/customers/{id}": expand,
  "POST /v1/customers": customer,
  "POST /v1/customers/{id}": {
    ...customer,
    "invoice_settings[default_payment_method]": "string",
  },
  "DELETE /v1/customers/{id}": {},
  "GET /v1/customers/{id}/balance_transactions": { ...expand, ...page },
  "GET /v1/customers/{id}/payment_methods": { ...methodFilter, ...expand, ...page },
  "GET /v1/customers/{id}/sources": { ...expand, ...page, object: "string" },
  "DELETE /v1/customers/{customerId}/sources/{id}": expand,
  "GET /v1/payment_methods": { ...methodFilter, ...ofOwner, ...expand, ...page },
  "GET /v1/payment_methods/{id}": expand,
  "POST /v1/payment_methods/{id}/attach": { ...expand, ...ofOwner },
  "POST /v1/payment_methods/{id}/detach": expand,
  "GET /v1/setup_intents": {
    ...created,
    ...ofOwner,
    ...expand,
    ...page,
    attach_to_self: "boolean",
    payment_method: "string",
  },
  "POST /v1/setup_intents/{id}/cancel": {
    ...expand,
    cancellation_reason: ["abandoned", "duplicate", "requested_by_customer"],
  },
  "GET /v1/payment_intents": { ...created, ...ofOwner, ...expand, ...page },
  "GET /v1/payment_intents/{id}": expand,
  "POST /v1/payment_intents/{id}/cancel": {
    ...expand,
    cancellation_reason: ["abandoned", "duplicate", "requested_by_customer", "fraudulent"],
  },
  "GET /v1/checkout/sessions": {
    ...created,
    ...ofOwner,
    ...expand,
    ...page,
    "customer_details[email]": "string",
    payment_intent: "string",
    payment_link: "string",
    status: ["open", "complete", "expired"],
    subscription: "string",
  },
  "POST /v1/checkout/sessions/{id}/expire": expand,
  "GET /v1/subscriptions": {
    ...created,
    ...ofOwner,
    ...expand,
    ...page,
    collection_method: ["charge_automatically", "send_invoice"],
    price: "string",
    status: [
      "active",
      "all",
      "canceled",
      "ended",
      "incomplete",
      "incomplete_expired",
      "past_due",
      "paused",
      "trialing",
      "unpaid",
    ],
    test_clock: "string",
  },
  "POST /v1/products": { ...expand, active: "boolean", name: "string" },
  "POST /v1/products/{id}": { ...expand, active: "boolean", name: "string" },
  "POST /v1/subscriptions": {
    ...expand,
    customer: "string",
    default_payment_method: "string",
    "items[][price_data][currency]": "string",
    "items[][price_data][product]": "string",
    "items[][price_data][recurring][interval]": ["day", "week", "month", "year"],
    "items[][price_data][unit_amount]": "integer",
  },
  "POST /v1/subscriptions/{id}": {
    ...expand,
    cancel_at_period_end: "boolean",
    default_payment_method: "string",
    default_source: "string",
    "payment_settings[save_default_payment_method]": ["off", "on_subscription"],
  },
  "DELETE /v1/subscriptions/{id}": { ...expand, invoice_now: "boolean", prorate: "boolean" },
  "GET /v1/subscription_schedules": { ...created, ...ofOwner, ...expand, ...page, scheduled: "boolean" },
  "POST /v1/subscription_schedules/{id}/release": { ...expand, preserve_cancel_date: "boolean" },
  "GET /v1/invoices": {
    ...created,
    ...ofOwner,
    ...expand,
    ...page,
    collection_method: ["charge_automatically", "send_invoice"],
    status: ["draft", "open", "paid", "uncollectible", "void"],
    subscription: "string",
  },
  "POST /v1/invoices/{id}": { ...expand, default_payment_method: "string", default_source: "string" },
  "DELETE /v1/invoices/{id}": {},
  "GET /v1/charges": {
    ...created,
    ...expand,
    ...page,
    customer: "string",
    payment_intent: "string",
    transfer_group: "string",
  },
  "GET /v1/disputes": { ...created, ...expand, ...page, charge: "string", payment_intent: "string" },
  "GET /v1/credit_notes": { ...created, ...ofOwner, ...expand, ...page, invoice: "string" },
  "GET /v1/invoiceitems": {
    ...created,
    ...ofOwner,
    ...expand,
    ...page,
    invoice: "string",
    pending: "boolean",
  },
  "GET /v1/promotion_codes": {
    ...created,
    ...ofOwner,
    ...expand,
    ...page,
    active: "boolean",
    code: "string",
    coupon: "string",
  },
  "GET /v1/quotes": {
    ...ofOwner,
    ...expand,
    ...page,
    status: ["accepted", "canceled", "draft", "open"],
    test_clock: "string",
  },
  "GET /v2/core/accounts/{id}": {
    "include[]": [
      "configuration.customer",
      "configuration.merchant",
      "configuration.recipient",
      "defaults",
      "future_requirements",
      "identity",
      "requirements",
    ],
  },
  "POST /v2/core/accounts/{id}/close": { "applied_configurations[]": ["customer", "merchant", "recipient"] },
  "GET /v1/privacy/redaction_jobs": { ...expand, ...page, status: jobStatuses },
  "POST /v1/privacy/redaction_jobs": {
    ...expand,
    "objects[charges][]": "string",
    "objects[checkout_sessions][]": "string",
    "objects[customers][]": "string",
    "objects[invoices][]": "string",
    "objects[payment_intents][]": "string",
    "objects[setup_intents][]": "string",
    validation_behavior: ["error", "fix"],
  },
  "GET /v1/privacy/redaction_jobs/{id}": expand,
  "POST /v1/privacy/redaction_jobs/{id}/run": expand,
  "POST /v1/privacy/redaction_jobs/{id}/cancel": expand,
  "GET /v1/privacy/redaction_jobs/{id}/validation_errors": { ...expand, ...page },
};

/** Refuses what Stripe does not document. @throws StripeFailure `parameter_unknown`, `parameter_invalid_…` */
export function refuseUndocumented(endpoint: string, params: Params): void {
  const shapes = requestShapes[endpoint] ?? {};
  for (const name of params.keys()) {
    const shape = shapes[name] ?? shapes[name.replace(/\[[^[\]]+\]$/, "[*]")];
    if (shape === undefined) throw unknownParameter(name);
    const value = one(params, name) ?? "";
    if (shape === "integer" && !/^\d+$/.test(value)) throw invalid("integer", name, value);
    if (shape === "boolean" && value !== "true" && value !== "false") throw invalid("boolean", name, value);
    if (typeof shape !== "string" && !shape.includes(value)) {
      throw new StripeFailure(400, {
        message: `Invalid ${name}: must be one of ${shape.join(", ")}`,
        param: name,
      });
    }
  }
}

function invalid(kind: "integer" | "boolean", param: string, value: string): StripeFailure {
  return new StripeFailure(400, {
    code: `parameter_invalid_${kind}`,
    message: `Invalid ${kind}: ${value}`,
    param,
  });
}
