import {
  type Call,
  type FoundTarget,
  type Identifier,
  RejectedError,
  type Resolution,
  parseIdentifier,
} from "@heed/core/contract";
import type { FoundCustomer } from "./stripe-answers.ts";
import type { StripeCalls } from "./stripe-calls.ts";

/** The identifiers that the adapter searches by. */
export type StripeKind = "email" | "stripeCustomerId";

/** What to look for, and where. */
export interface Search {
  /** The mode that the key must open. A customer of the other mode stops everything. */
  readonly live: boolean;
  /** Whether to ask Stripe's search as well. */
  readonly searchSpellings: boolean;
}

/**
 * Finds every customer of a subject: by the ids that the application stored; by each address as it is
 * written and in lower case, since Stripe's list compares exactly; and by search, which knows any other
 * spelling but lags. What Stripe answers is compared here once more. Several customers are normal.
 *
 * A deleted customer is found by its id and counts: its payment methods may still be there.
 */
export async function findCustomers(
  calls: StripeCalls,
  call: Call<"forgetTokens", StripeKind>,
  { live, searchSpellings }: Search,
): Promise<Resolution> {
  const targets = new Map<string, FoundTarget>();
  const add = (id: string, via: Identifier) => {
    if (!targets.has(id)) targets.set(id, { kind: "customer", id, via, verified: true });
  };
  const inMode = (customer: FoundCustomer) => {
    if (customer.livemode === live) return;
    throw new RejectedError(
      live
        ? "The Stripe key opens test mode, and live mode was asked for."
        : "The Stripe key opens live mode. Pass live: true if this is meant.",
      { processor: "stripe-tokens", operation: call.operation },
    );
  };

  for (const identifier of call.identifiers) {
    if (identifier.kind === "stripeCustomerId") {
      const customer = await calls.customer(identifier.value);
      if (customer === undefined) continue;
      if (!("deleted" in customer)) inMode(customer);
      add(customer.id, identifier);
      continue;
    }
    const wanted = canonical(identifier.value);
    for (const spelling of new Set([identifier.value, identifier.value.toLowerCase()])) {
      for (const customer of await calls.customersListedAs(spelling)) {
        inMode(customer);
        if (canonical(customer.email) === wanted) add(customer.id, identifier);
      }
    }
    if (!searchSpellings) continue;
    for (const { id } of await calls.customersSearchedAs(identifier.value)) {
      if (targets.has(id)) continue;
      // The index may be behind: the address may be another person's by now.
      const customer = await calls.customer(id);
      if (customer === undefined || "deleted" in customer) continue;
      inMode(customer);
      if (canonical(customer.email) === wanted) add(id, identifier);
    }
  }
  return { targets: [...targets.values()] };
}

/** The form that addresses are compared in; none for what is not an address. */
function canonical(email: string | null | undefined): string | undefined {
  try {
    return parseIdentifier("email", email).canonical;
  } catch {
    return undefined;
  }
}
