import type { BraintreeGateway } from "./braintree-client.ts";

/** A subscription that is charged by a card. */
export interface Subscription {
  status: "Active" | "Past Due" | "Pending" | "Canceled" | "Expired";
  /** Civil date. */
  readonly paidThroughDate: string;
  /** After its last billing cycle it expires by itself. */
  readonly neverExpires: boolean;
}

interface PaymentMethod {
  readonly customer: string;
  readonly subscriptions: Subscription[];
}

/** A gateway at Braintree, behind the methods of its client. */
export interface BraintreeAccount {
  readonly gateway: BraintreeGateway;
  /** By token. */
  readonly vault: Map<string, PaymentMethod>;
  readonly customers: Set<string>;
  readonly deleted: readonly string[];
  /** Days that were paid for and taken away. */
  forfeitedDays(): number;
  /** Calls of this method throw, as the client does: what. */
  readonly failing: Map<"find" | "delete", string>;
}

const dayMs = 86_400_000;

export function braintreeAccount(merchantAccountId: string, now: () => Date): BraintreeAccount {
  const vault: BraintreeAccount["vault"] = new Map();
  const customers: BraintreeAccount["customers"] = new Set();
  const deleted: string[] = [];
  let forfeited = 0;
  const failing: BraintreeAccount["failing"] = new Map();

  /** As the client's exceptions are: told apart by `type`. */
  const exception = (type: string) => Object.assign(new Error("About Anna Canary."), { type, name: type });
  function found<T>(object: T | undefined, method: "find" | "delete" = "find"): T {
    const failure = failing.get(method);
    if (failure !== undefined) throw exception(failure);
    if (object === undefined) throw exception("notFoundError");
    return object;
  }
  const today = () => {
    for (const { subscriptions } of vault.values())
      for (const subscription of subscriptions)
        if (
          subscription.status === "Active" &&
          !subscription.neverExpires &&
          Date.parse(subscription.paidThroughDate) + dayMs <= now().getTime()
        )
          subscription.status = "Expired";
  };
  const shown = (token: string, { subscriptions }: PaymentMethod) => ({
    token,
    cardholderName: "Anna Canary",
    subscriptions,
  });

  const gateway: BraintreeGateway = {
    customer: {
      async find(id) {
        today();
        const paymentMethods = [...vault]
          .filter(([, { customer }]) => customer === id)
          .map(([token, method]) => shown(token, method));
        return found(customers.has(id) ? { id, firstName: "Anna Canary", paymentMethods } : undefined);
      },
    },
    paymentMethod: {
      async find(token) {
        const method = vault.get(token);
        return found(method && shown(token, method));
      },
      async delete(token) {
        today();
        const { subscriptions } = found(vault.get(token), "delete");
        for (const subscription of subscriptions) {
          if (subscription.status === "Canceled" || subscription.status === "Expired") continue;
          subscription.status = "Canceled";
          const paidUntil = Date.parse(subscription.paidThroughDate) + dayMs;
          forfeited += Math.max(0, Math.floor((paidUntil - now().getTime()) / dayMs));
        }
        vault.delete(token);
        deleted.push(token);
      },
    },
    merchantAccount: { find: async (id) => found(id === merchantAccountId ? { id } : undefined) },
  };
  return {
    gateway,
    vault,
    customers,
    deleted,
    forfeitedDays: () => forfeited,
    failing,
  };
}
