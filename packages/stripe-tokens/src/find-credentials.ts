import type { Call, FoundTarget, Resolution } from "@heed/core/contract";
import { type FoundOwner, type Search, type StripeKind, findOwners } from "./find-customers.ts";
import { ownersOf } from "./owner.ts";
import type { StripeCalls } from "./stripe-calls.ts";

/**
 * Finds the customers of a subject and every credential that hangs at them, so that their ids are kept before
 * anything is let go: a deleted customer cannot be asked for what it had. When they are looked for again, it is by the
 * other list, which must read empty.
 */
export async function findCredentials(
  calls: StripeCalls,
  call: Call<"forgetTokens" | "erase", StripeKind>,
  search: Search,
): Promise<Resolution> {
  const owners = await findOwners(calls, call, search);
  const targets: FoundTarget[] = owners.map(targetOf);
  const known = new Set(ownersOf(call).map(({ id }) => id));
  for (const owner of owners) targets.push(...(await credentialsOf(calls, owner, known.has(owner.id))));
  return { targets };
}

/** Finds the customers of a subject alone. */
export async function findCustomers(
  calls: StripeCalls,
  call: Call<"export" | "rectify" | "observe", StripeKind>,
  search: Search,
): Promise<Resolution> {
  return { targets: (await findOwners(calls, call, search)).map(targetOf) };
}

function targetOf({ kind, id, via, verified }: FoundOwner): FoundTarget {
  return { kind, id, via, verified };
}

async function credentialsOf(
  calls: StripeCalls,
  owner: FoundOwner,
  isKnown: boolean,
): Promise<readonly FoundTarget[]> {
  const { id: within, via } = owner;
  const at = (kind: string, id: string): FoundTarget => ({ kind, id, within, via, verified: true });
  if (owner.kind === "customer-account") {
    const methods = await calls.methodsFiledUnder(owner);
    return methods.map(({ id }) => at("payment-method", id));
  }
  const sources = owner.sources ?? (await calls.sources(within)).map(({ id }) => id);
  const methods = isKnown ? await calls.methodsFiledUnder(owner) : await calls.methodsOfCustomer(within);
  return [
    ...sources.map((id) => at("source", id)),
    ...methods
      // Stripe may show legacy sources among the payment methods too.
      .filter(({ id }) => !sources.includes(id))
      .map(({ id, type }) => at(type === "custom" ? "custom-payment-method" : "payment-method", id)),
  ];
}
