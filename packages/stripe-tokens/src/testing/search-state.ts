import type { StripeObject, StripeState } from "./stripe-objects.ts";

/** Where the account holds a text. */
export interface Found {
  /** The kind of object: `customer`, `payment_method`, `invoice`, … */
  readonly object: string;
  readonly id: string;
  /** For example `billing_details.email`. */
  readonly field: string;
  /** The customer that it belongs to; `null` for a guest's, and a payment method that was detached. */
  readonly customer: string | null;
}

/** Everything in the account that contains the text, whatever its letter case. */
export function searchState(state: StripeState, text: string): readonly Found[] {
  const wanted = text.toLowerCase();
  return allObjects(state).flatMap((row) =>
    textsIn(row, "")
      .filter(([, value]) => value.toLowerCase().includes(wanted))
      .map(([field]) => ({ object: row.object, id: row.id, field, customer: ownerOf(row, state) })),
  );
}

/** Every object that belongs to the customer, the customer included. */
export function objectsOf(state: StripeState, customer: string): readonly StripeObject[] {
  return allObjects(state).filter((row) => ownerOf(row, state) === customer);
}

function allObjects(state: StripeState): readonly StripeObject[] {
  return [
    ...state.customers.values(),
    ...state.customerAccounts.values(),
    ...state.paymentMethods.values(),
    ...state.sources.values(),
    ...state.setupIntents.values(),
    ...state.paymentIntents.values(),
    ...state.checkoutSessions.values(),
    ...state.subscriptions.values(),
    ...state.schedules.values(),
    ...state.invoices.values(),
    ...state.charges.values(),
    ...state.disputes.values(),
    ...state.records.values(),
  ];
}

function ownerOf(row: StripeObject, state: StripeState): string | null {
  if (row.object === "customer" || row.object === "v2.core.account") return row.id;
  if ("charge" in row) return state.charges.get(String(row.charge))?.customer ?? null;
  if ("customer" in row && typeof row.customer === "string") return row.customer;
  return "customer_account" in row && typeof row.customer_account === "string" ? row.customer_account : null;
}

function textsIn(value: unknown, field: string): readonly (readonly [field: string, text: string])[] {
  if (typeof value === "string") return [[field, value]];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => textsIn(inner, field ? `${field}.${name}` : name));
}
