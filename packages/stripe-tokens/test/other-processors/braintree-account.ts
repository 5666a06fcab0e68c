import type { BraintreeGateway } from "./braintree.ts";

interface Subscription {
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
  /** The next calls throw this, as the client does. */
  failWith(type: string | undefined): void;
}

const dayMs = 86_400_000;

export function braintreeAccount(merchantAccountId: string, now: () => Date): BraintreeAccount {
  const vault: BraintreeAccount["vault"] = new Map();
  const customers: BraintreeAccount["customers"] = new Set();
  const deleted: string[] = [];
  let forfeited = 0;
  let failure: string | undefined;

  /** As the client's exceptions are: told apart by `type`. */
  const failing = (type: string) => Object.assign(new Error("About Anna Canary."), { type, name: type });
  const found = <T>(object: T | undefined): Promise<T> => {
    if (failure !== undefined) return Promise.reject(failing(failure));
    return object === undefined ? Promise.reject(failing("notFoundError")) : Promise.resolve(object);
  };
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
        const { subscriptions } = await found(vault.get(token));
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
    failWith: (type) => void (failure = type),
  };
}
