import {
  type Call,
  type FoundTarget,
  type Identifier,
  type OperationName,
  RejectedError,
  parseIdentifier,
} from "@heed/core/contract";
import { ownersOf } from "./owner.ts";
import type { Customer } from "./stripe-answers.ts";
import type { StripeCalls } from "./stripe-calls.ts";

/** The identifiers that the adapter searches by. */
export type StripeKind = "email" | "stripeCustomerId" | "stripeAccountId";

/** What to look for, and where. */
export interface Search {
  /** The mode that the key must open. A customer of the other mode stops everything. */
  readonly live: boolean;
  /** Whether to ask Stripe's search as well. */
  readonly searchSpellings: boolean;
}

/** A customer or account of the subject, and how it was found. */
export interface FoundOwner extends FoundTarget {
  readonly kind: "customer" | "customer-account";
  /** The customer's legacy sources, where its answer had them all. */
  readonly sources?: readonly string[];
}

/**
 * Finds every customer of a subject: by the ids that the application stored; by each address as it is
 * written and in lower case, since Stripe's list compares exactly; and by search, which knows any other
 * spelling but lags, and is not asked again when some were found. What Stripe answers is compared here once more.
 * Several customers are normal.
 *
 * A deleted customer is found by its id and counts: its payment methods may still be there.
 */
export async function findOwners(
  calls: StripeCalls,
  call: Call<OperationName, StripeKind>,
  { live, searchSpellings }: Search,
): Promise<readonly FoundOwner[]> {
  const owners = new Map<string, FoundOwner>();
  const add = (customer: Pick<Customer, "id"> & Partial<Customer>, via: Identifier) => {
    const { id, sources } = customer;
    const known = sources?.has_more === false ? { sources: sources.data.map((each) => each.id) } : {};
    if (!owners.has(id)) owners.set(id, { kind: "customer", id, via, verified: true, ...known });
  };
  const inMode = ({ livemode }: { readonly livemode: boolean }) => {
    if (livemode !== live) throw wrongMode(live, call.operation);
  };

  const isFound = ownersOf(call).length > 0;
  for (const identifier of call.identifiers) {
    if (identifier.kind === "stripeAccountId") {
      const account = await calls.customerAccount(identifier.value);
      if (account === undefined) continue;
      inMode(account);
      const { id } = account;
      owners.set(id, { kind: "customer-account", id, via: identifier, verified: true });
      continue;
    }
    if (identifier.kind === "stripeCustomerId") {
      const customer = await calls.customer(identifier.value);
      if (customer === undefined) continue;
      if ("deleted" in customer) add({ id: customer.id }, identifier);
      else {
        inMode(customer);
        add(customer, identifier);
      }
      continue;
    }
    const wanted = canonical(identifier.value);
    for (const spelling of spellingsOf(identifier.value)) {
      for (const customer of await calls.customersListedAs(spelling)) {
        inMode(customer);
        if (canonical(customer.email) === wanted) add(customer, identifier);
      }
    }
    if (!searchSpellings || isFound) continue;
    for (const { id } of await calls.customersSearchedAs(identifier.value)) {
      if (owners.has(id)) continue;
      // The index may be behind: the address may be another person's by now.
      const customer = await calls.customer(id);
      if (customer === undefined || "deleted" in customer) continue;
      inMode(customer);
      if (canonical(customer.email) === wanted) add(customer, identifier);
    }
  }
  return [...owners.values()];
}

/** An address as it is written, and in lower case. */
export function spellingsOf(email: string): ReadonlySet<string> {
  return new Set([email, email.toLowerCase()]);
}

/** The form that addresses are compared in; none for what is not an address. */
export function canonical(email: string | null | undefined): string | undefined {
  try {
    return parseIdentifier("email", email).canonical;
  } catch {
    return undefined;
  }
}

function wrongMode(live: boolean, operation: OperationName): RejectedError {
  return new RejectedError(
    live
      ? "The Stripe key opens test mode, and live mode was asked for."
      : "The Stripe key opens live mode. Pass live: true if this is meant.",
    { processor: "stripe-tokens", operation },
  );
}
