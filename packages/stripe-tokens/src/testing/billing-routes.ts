import { one } from "./form.ts";
import { type ListAnswer, listPage, listParams } from "./lists.ts";
import { type Asked, type Route, inMode, seen } from "./route.ts";
import { StripeFailure, noSuch } from "./stripe-failure.ts";
import type { StripeObject } from "./stripe-objects.ts";
import { listedCustomer } from "./which-customer.ts";

const ended = new Set(["canceled", "incomplete_expired"]);

/** The account, and what a customer pays: subscriptions, schedules, invoices, charges, disputes. */
export const billingRoutes: readonly Route[] = [
  {
    endpoint: "GET /v1/account",
    params: ["expand[]"],
    run: ({ switches }) => ({ id: switches.id, object: "account", type: "standard", charges_enabled: true }),
  },
  {
    endpoint: "GET /v1/subscriptions",
    params: ["customer", "status", ...listParams],
    run: (asked) => {
      const status = one(asked.params, "status");
      return ofCustomer(asked, asked.state.subscriptions, (row) => {
        if (status === "all") return true;
        if (status === "ended") return ended.has(row.status);
        return status === undefined ? row.status !== "canceled" : row.status === status;
      });
    },
  },
  {
    endpoint: "POST /v1/subscriptions/{id}",
    params: ["default_payment_method", "default_source", "expand[]"],
    locks: (asked) => asked.state.subscriptions.get(asked.ids[0] ?? "")?.customer,
    run: updateSubscription,
  },
  {
    endpoint: "GET /v1/subscription_schedules",
    params: ["customer", ...listParams],
    run: (asked) => ofCustomer(asked, asked.state.schedules),
  },
  {
    endpoint: "GET /v1/invoices",
    params: ["customer", "status", ...listParams],
    run: (asked) => {
      const status = one(asked.params, "status");
      return ofCustomer(asked, asked.state.invoices, (row) => status === undefined || row.status === status);
    },
  },
  {
    endpoint: "GET /v1/charges",
    params: ["customer", ...listParams],
    run: (asked) => ofCustomer(asked, asked.state.charges),
  },
  {
    endpoint: "GET /v1/disputes",
    params: ["charge", ...listParams],
    run: (asked) => {
      const charge = one(asked.params, "charge");
      if (charge !== undefined && !seen(asked.state.charges, charge, asked)) {
        throw noSuch("charge", charge, "charge", 400);
      }
      const rows = inMode(asked.state.disputes, asked).filter(
        (row) => charge === undefined || row.charge === charge,
      );
      return listPage(rows, asked.params, asked.path);
    },
  },
];

function ofCustomer<T extends StripeObject & { readonly customer: string }>(
  asked: Asked,
  rows: ReadonlyMap<string, T>,
  isWanted: (row: T) => boolean = () => true,
): ListAnswer {
  const customer = one(asked.params, "customer");
  const known = customer === undefined ? undefined : listedCustomer(asked);
  const wanted = inMode(rows, asked).filter(
    (row) => (customer === undefined || row.customer === known) && isWanted(row),
  );
  return listPage(wanted, asked.params, asked.path);
}

function updateSubscription(asked: Asked): object {
  const id = asked.ids[0] ?? "";
  const subscription = seen(asked.state.subscriptions, id, asked);
  if (subscription === undefined) throw noSuch("subscription", id, "id");
  const method = one(asked.params, "default_payment_method");
  const source = one(asked.params, "default_source");
  if (ended.has(subscription.status)) {
    throw new StripeFailure(400, {
      message: "A canceled subscription can only update its cancellation_details and metadata.",
    });
  }
  if (method !== undefined) {
    const isOwn = asked.state.paymentMethods.get(method)?.customer === subscription.customer;
    if (method !== "" && !isOwn) throw noSuch("PaymentMethod", method, "default_payment_method", 400);
    subscription.default_payment_method = method === "" ? null : method;
  }
  if (source !== undefined) {
    const isOwn = asked.state.sources.get(source)?.customer === subscription.customer;
    if (source !== "" && !isOwn) throw noSuch("source", source, "default_source", 400);
    subscription.default_source = source === "" ? null : source;
  }
  return subscription;
}
