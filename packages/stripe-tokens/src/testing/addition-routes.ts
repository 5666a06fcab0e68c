import { additions } from "./additions.ts";
import { reindex } from "./customer-routes.ts";
import { one } from "./form.ts";
import { making, put } from "./making.ts";
import { type Asked, type Route, seen } from "./route.ts";
import { StripeFailure, noSuch } from "./stripe-failure.ts";
import type { RecordObject } from "./stripe-objects.ts";
import { updateCustomer } from "./update-customer.ts";
import { customerInPath } from "./which-customer.ts";

/** What a shop makes: customers, products, and subscriptions whose first period is paid for at once. */
export const additionRoutes: readonly Route[] = [
  {
    endpoint: "POST /v1/customers",
    run: (asked) => {
      const made = additions(asked).customer({
        livemode: asked.live,
        email: one(asked.params, "email") ?? null,
      });
      updateCustomer(made, asked);
      reindex(made, asked);
      const { deleted: _, ...customer } = made;
      return customer;
    },
  },
  {
    endpoint: "POST /v1/products",
    run: (asked) =>
      put(asked.state.records, {
        ...making(asked).base("prod", "product", asked.live),
        customer: null,
        customer_account: null,
        name: needed(asked, "name"),
        active: one(asked.params, "active") !== "false",
      }),
  },
  {
    endpoint: "POST /v1/products/{id}",
    run: (asked) => {
      const product = productOf(asked, asked.ids[0] ?? "", 404);
      const active = one(asked.params, "active") ?? String(product["active"]);
      const name = one(asked.params, "name") ?? product["name"];
      return put(asked.state.records, { ...product, name, active: active === "true" });
    },
  },
  {
    endpoint: "POST /v1/subscriptions",
    locks: (asked) => one(asked.params, "customer"),
    run: subscribe,
  },
];

function subscribe(asked: Asked): object {
  const { params, state } = asked;
  const customer = needed(asked, "customer");
  const owner = seen(state.customers, customer, asked);
  if (owner === undefined || owner.deleted) throw noSuch("customer", customer, "customer", 400);
  productOf(asked, needed(asked, "items[][price_data][product]"), 400);
  const given = one(params, "default_payment_method");
  if (given !== undefined && seen(state.paymentMethods, given, asked)?.customer !== customer) {
    throw noSuch("PaymentMethod", given, "default_payment_method", 400);
  }
  if ((given ?? owner.invoice_settings.default_payment_method ?? owner.default_source) === null) {
    throw new StripeFailure(400, {
      code: "resource_missing",
      message:
        "This customer has no attached payment source or default payment method. Please consider adding a default payment method.",
    });
  }
  const add = additions(asked);
  add.invoice(customer);
  add.charge(customer);
  return add.subscription(customer, { default_payment_method: given ?? null });
}

/** A card that Stripe has for tries in test mode: `pm_card_visa` and its like. Each use makes a new one. */
export function isTestCard({ ids: [id = ""], live }: Asked): boolean {
  return !live && id.startsWith("pm_card_");
}

/** @see https://docs.stripe.com/testing */
export function attachTestCard(asked: Asked): object {
  const id = needed(asked, "customer");
  const customer = customerInPath({ ...asked, ids: [id] });
  if (customer.deleted) throw noSuch("customer", id, "customer", 400);
  // Such a card names nobody.
  return additions(asked).paymentMethod(id, { billing_details: { name: null, email: null } });
}

function productOf(asked: Asked, id: string, status: 400 | 404): RecordObject {
  const record = seen(asked.state.records, id, asked);
  if (record?.object !== "product") throw noSuch("product", id, "id", status);
  return record;
}

function needed({ params }: Asked, param: string): string {
  const value = one(params, param);
  if (value) return value;
  throw new StripeFailure(400, {
    code: "parameter_missing",
    message: `Missing required param: ${param}.`,
    param,
  });
}
