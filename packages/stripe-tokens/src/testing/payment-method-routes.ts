import { one } from "./form.ts";
import { type ListAnswer, listPage, listParams } from "./lists.ts";
import { type Asked, type Route, inMode, seen } from "./route.ts";
import { StripeFailure, noSuch } from "./stripe-failure.ts";
import type { PaymentMethodObject, StripeObject } from "./stripe-objects.ts";
import { customerInPath, listableCustomer, listedCustomer } from "./which-customer.ts";

/** Payment methods by both of their lists, detaching and attaching, and the legacy sources. */
export const paymentMethodRoutes: readonly Route[] = [
  {
    endpoint: "GET /v1/customers/{id}/payment_methods",
    params: ["type", "allow_redisplay", ...listParams],
    run: (asked): ListAnswer => {
      const customer = listableCustomer(asked);
      return methodPage(asked, (row) => row.customer === customer);
    },
  },
  {
    endpoint: "GET /v1/payment_methods",
    params: ["customer", "type", "allow_redisplay", ...listParams],
    run: (asked): ListAnswer => {
      const customer = listedCustomer(asked);
      const wantsCustom = one(asked.params, "type") === "custom";
      return methodPage(asked, (row) => row.customer === customer && (wantsCustom || row.type !== "custom"));
    },
  },
  {
    endpoint: "GET /v1/payment_methods/{id}",
    params: ["expand[]"],
    run: (asked) => methodInPath(asked),
  },
  {
    endpoint: "POST /v1/payment_methods/{id}/detach",
    params: ["expand[]"],
    locks: (asked) => methodInPath(asked).customer ?? undefined,
    run: detach,
  },
  {
    endpoint: "POST /v1/payment_methods/{id}/attach",
    params: ["customer", "expand[]"],
    run: (asked) => {
      const attached = methodInPath(asked).customer !== null;
      throw new StripeFailure(400, {
        message: attached
          ? "The payment method you provided has already been attached to a customer."
          : "This PaymentMethod was previously used without being attached to a Customer or was detached " +
            "from a Customer, and may not be used again.",
      });
    },
  },
  {
    endpoint: "GET /v1/customers/{id}/sources",
    params: ["object", ...listParams],
    run: (asked): ListAnswer => {
      const customer = listableCustomer(asked);
      const object = one(asked.params, "object");
      const rows = inMode(asked.state.sources, asked).filter(
        (row) => row.customer === customer && (object === undefined || row.object === object),
      );
      return listPage(rows, asked.params, asked.path);
    },
  },
  {
    endpoint: "DELETE /v1/customers/{customerId}/sources/{id}",
    params: ["expand[]"],
    locks: (asked) => asked.ids[0],
    run: (asked) => {
      const customer = customerInPath(asked);
      const id = asked.ids[1] ?? "";
      const source = seen(asked.state.sources, id, asked);
      if (source?.customer !== customer.id) throw noSuch("source", id, "id");
      letGo(asked, id);
      return { id, object: source.object, deleted: true };
    },
  },
];

/** Final: a detached payment method can neither pay nor be attached again, yet it can still be retrieved. */
function detach(asked: Asked): object {
  const method = methodInPath(asked);
  if (method.customer === null) {
    const { detachedAgainCode: code } = asked.switches;
    throw new StripeFailure(400, {
      ...(code === undefined ? {} : { code }),
      message: "The payment method you provided is not attached to a customer so detachment is impossible.",
    });
  }
  letGo(asked, method.id);
  return { ...method, customer: null };
}

function letGo({ state, switches }: Asked, id: string): void {
  const method = state.paymentMethods.get(id);
  if (method) method.customer = null;
  const wasSource = state.sources.delete(id);
  for (const customer of state.customers.values()) {
    if (customer.default_source === id) customer.default_source = null;
    if (customer.invoice_settings.default_payment_method === id && !switches.danglingDefaults) {
      customer.invoice_settings.default_payment_method = null;
    }
  }
  for (const subscription of state.subscriptions.values()) {
    if (subscription.default_source === id && wasSource) subscription.default_source = null;
    if (subscription.default_payment_method === id && !switches.danglingDefaults) {
      subscription.default_payment_method = null;
    }
  }
}

function methodPage(asked: Asked, isWanted: (row: PaymentMethodObject) => boolean): ListAnswer {
  const type = one(asked.params, "type");
  const rows = [...inMode(legacyAsMethods(asked), asked), ...inMode(asked.state.paymentMethods, asked)];
  const wanted: StripeObject[] = rows.filter(
    (row) => isWanted(row) && (type === undefined || row.type === type),
  );
  return listPage(wanted, asked.params, asked.path);
}

function methodInPath(asked: Asked): PaymentMethodObject {
  const id = asked.ids[0] ?? "";
  const method = seen(asked.state.paymentMethods, id, asked) ?? seen(legacyAsMethods(asked), id, asked);
  if (method === undefined) throw noSuch("PaymentMethod", id, "payment_method");
  return method;
}

function legacyAsMethods({ state, switches }: Asked): ReadonlyMap<string, PaymentMethodObject> {
  const methods = new Map<string, PaymentMethodObject>();
  if (!switches.legacyAmongMethods) return methods;
  for (const { id, created, livemode, customer, name } of state.sources.values()) {
    methods.set(id, {
      id,
      created,
      livemode,
      customer,
      object: "payment_method",
      type: "card",
      allow_redisplay: "unspecified",
      billing_details: { name, email: null },
    });
  }
  return methods;
}
