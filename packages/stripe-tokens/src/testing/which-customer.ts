import { one } from "./form.ts";
import { type Asked, seen } from "./route.ts";
import { StripeFailure, noSuch } from "./stripe-failure.ts";
import type { CustomerObject } from "./stripe-objects.ts";

/** The customer that the path names. A deleted one is a stub, which can still be retrieved. */
export function customerInPath(asked: Asked): CustomerObject {
  const id = asked.ids[0] ?? "";
  const customer = seen(asked.state.customers, id, asked);
  if (customer === undefined) throw noSuch("customer", id, "id");
  return customer;
}

/** The customer that the path names, for a list of what hangs at it. */
export function listableCustomer(asked: Asked): string {
  const customer = customerInPath(asked);
  if (customer.deleted && !asked.switches.deletedListable) throw noSuch("customer", customer.id, "customer");
  return customer.id;
}

/** The customer that a list is asked for by a parameter; `undefined` where an unknown one means "nothing". */
export function listedCustomer({ state, switches, live, params }: Asked): string | undefined {
  const id = one(params, "customer");
  if (id === undefined) {
    throw new StripeFailure(400, {
      code: "parameter_missing",
      message: "Missing required param: customer.",
      param: "customer",
    });
  }
  const customer = state.customers.get(id);
  const exists = customer?.livemode === live && (!customer.deleted || switches.deletedListable);
  if (exists) return id;
  if (switches.unknownCustomer === "empty") return undefined;
  throw noSuch("customer", id, "customer", switches.unknownCustomer);
}
