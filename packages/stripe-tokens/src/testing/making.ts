import type { CustomerObject, StripeObject } from "./stripe-objects.ts";
import type { World } from "./world.ts";

/** The account that objects are made in. */
export type Workshop = Pick<World, "state" | "switches" | "count">;

/** The fields of an object that a test may choose; what it leaves out gets a plain default. */
export type Chosen<T> = Partial<Omit<T, "object" | "customer" | "customer_account">>;

/** Whose an object is to be. */
export interface Owner {
  readonly customer: string | null;
  readonly customer_account: string | null;
  readonly livemode: boolean;
  readonly name: string | null;
  readonly email: string | null;
}

/** What every addition begins with. */
export interface Making {
  readonly world: Workshop;
  readonly base: (prefix: string, object: string, livemode: boolean) => StripeObject;
  /** The customer (`cus_…`) or account (`acct_…`) of that id; `null`: a guest of test mode. */
  readonly owner: (id: string | null) => Owner;
  readonly customer: (id: string) => CustomerObject;
}

export function making(world: Workshop): Making {
  const { state, switches, count } = world;

  function customer(id: string): CustomerObject {
    const customer = state.customers.get(id);
    if (customer === undefined) throw new TypeError("The account has no such customer to add this to.");
    return customer;
  }

  return {
    world,
    customer,
    base(prefix, object, livemode) {
      count.made += 1;
      const created = Math.floor(switches.now().getTime() / 1000);
      return { id: `${prefix}_${String(count.made).padStart(14, "0")}`, object, created, livemode };
    },
    owner(id) {
      if (id === null) {
        return { customer: null, customer_account: null, livemode: false, name: null, email: null };
      }
      const account = state.customerAccounts.get(id);
      if (account !== undefined) {
        const { livemode, display_name: name, contact_email: email } = account;
        return { customer: null, customer_account: id, livemode, name, email };
      }
      const { livemode, name, email } = customer(id);
      return { customer: id, customer_account: null, livemode, name, email };
    },
  };
}

/** Who an object belongs to, as its fields. */
export function ownership({ customer, customer_account }: Owner) {
  return { customer, customer_account };
}

export function put<T extends StripeObject>(rows: Map<string, T>, row: T): T {
  rows.set(row.id, row);
  return row;
}
