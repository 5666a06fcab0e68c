import { attachTestCard, isTestCard } from "./addition-routes.ts";
import { one } from "./form.ts";
import { type ListAnswer, listPage } from "./lists.ts";
import { type Asked, type Route, inMode, inModeWith, seen } from "./route.ts";
import { StripeFailure, noSuch } from "./stripe-failure.ts";
import type { PaymentMethodObject, StripeObject } from "./stripe-objects.ts";
import { customerInPath, listableCustomer, ownedRows } from "./which-customer.ts";

/** Payment methods by both of their lists, detaching and attaching, and the legacy sources. */
export const paymentMethodRoutes: readonly Route[] = [
  {
    endpoint: "GET /v1/customers/{id}/payment_methods",
    run: (asked): ListAnswer => {
      const customer = listableCustomer(asked);
      return methodPage(asked, inModeWith(methods(asked), asked, "customer", customer));
    },
  },
  {
    endpoint: "GET /v1/payment_methods",
    run: (asked): ListAnswer => {
      if (!asked.params.has("customer") && !asked.params.has("customer_account")) throw ownerMissing();
      const wantsCustom = one(asked.params, "type") === "custom";
      return methodPage(
        asked,
        ownedRows(asked, methods(asked)).filter((row) => wantsCustom || row.type !== "custom"),
      );
    },
  },
  {
    endpoint: "GET /v1/payment_methods/{id}",
    run: (asked) => methodInPath(asked),
  },
  {
    endpoint: "POST /v1/payment_methods/{id}/detach",
    locks: (asked) => methodInPath(asked).customer ?? undefined,
    run: detach,
  },
  {
    endpoint: "POST /v1/payment_methods/{id}/attach",
    run: (asked) => {
      if (isTestCard(asked)) return attachTestCard(asked);
      const attached = isAttached(methodInPath(asked));
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
  if (!isAttached(method)) {
    const { detachedAgainCode: code } = asked.switches;
    throw new StripeFailure(400, {
      ...(code === undefined ? {} : { code }),
      message: "The payment method you provided is not attached to a customer so detachment is impossible.",
    });
  }
  letGo(asked, method.id);
  return { ...method, customer: null, customer_account: null };
}

function isAttached({ customer, customer_account }: PaymentMethodObject): boolean {
  return customer !== null || customer_account !== null;
}

function letGo({ state, switches }: Asked, id: string): void {
  const method = state.paymentMethods.get(id);
  const holder = state.customers.get(method?.customer ?? state.sources.get(id)?.customer ?? "");
  if (method) {
    state.formerOwners.set(id, method.customer ?? method.customer_account ?? "");
    method.customer = null;
    method.customer_account = null;
  }
  const wasSource = state.sources.delete(id);
  if (holder?.default_source === id) holder.default_source = null;
  if (holder?.invoice_settings.default_payment_method === id && !switches.danglingDefaults) {
    holder.invoice_settings.default_payment_method = null;
  }
  for (const subscription of state.subscriptions.values()) {
    if (subscription.default_source === id && wasSource) subscription.default_source = null;
    if (subscription.default_payment_method === id && !switches.danglingDefaults) {
      subscription.default_payment_method = null;
    }
  }
}

function methodPage(asked: Asked, rows: readonly PaymentMethodObject[]): ListAnswer {
  const type = one(asked.params, "type");
  const wanted: StripeObject[] = rows.filter((row) => type === undefined || row.type === type);
  return listPage(wanted, asked.params, asked.path);
}

/** The payment methods and, where Stripe shows them as such, the legacy sources. */
function methods(asked: Asked): ReadonlyMap<string, PaymentMethodObject> {
  const legacy = [...legacyAsMethods(asked)];
  if (legacy.length === 0) return asked.state.paymentMethods;
  return new Map([...legacy, ...asked.state.paymentMethods]);
}

function ownerMissing(): StripeFailure {
  return new StripeFailure(400, {
    code: "parameter_missing",
    message: "Missing required param: customer.",
    param: "customer",
  });
}

function methodInPath(asked: Asked): PaymentMethodObject {
  const id = asked.ids[0] ?? "";
  const method = seen(methods(asked), id, asked);
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
      customer_account: null,
      object: "payment_method",
      type: "card",
      allow_redisplay: "unspecified",
      billing_details: { name, email: null },
    });
  }
  return methods;
}
