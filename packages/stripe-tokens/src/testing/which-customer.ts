import { one } from "./form.ts";
import { type Asked, inMode, inModeWith, seen } from "./route.ts";
import { StripeFailure, noSuch } from "./stripe-failure.ts";
import type { CustomerObject, OwnedObject } from "./stripe-objects.ts";

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

/**
 * The rows of the customer or account that a list is asked for, oldest first; all of the mode where it is
 * asked for neither.
 */
export function ownedRows<T extends OwnedObject>(asked: Asked, rows: ReadonlyMap<string, T>): T[] {
  const customer = one(asked.params, "customer");
  const account = one(asked.params, "customer_account");
  if (customer !== undefined && account !== undefined) {
    throw new StripeFailure(400, { message: "You may only specify one of: customer, customer_account." });
  }
  if (account !== undefined) {
    if (!seen(asked.state.customerAccounts, account, asked)) {
      throw noSuch("account", account, "customer_account", 400);
    }
    return inModeWith(rows, asked, "customer_account", account);
  }
  if (customer === undefined) return inMode(rows, asked);
  const known = listedCustomer(customer, asked);
  return known === undefined ? [] : inModeWith(rows, asked, "customer", known);
}

/** The customer that a list is asked for by a parameter; `undefined` where an unknown one means "nothing". */
function listedCustomer(id: string, { state, switches, live }: Asked): string | undefined {
  const customer = state.customers.get(id);
  const exists = customer?.livemode === live && (!customer.deleted || switches.deletedListable);
  if (exists) return id;
  if (switches.unknownCustomer === "empty") return undefined;
  throw noSuch("customer", id, "customer", switches.unknownCustomer);
}
