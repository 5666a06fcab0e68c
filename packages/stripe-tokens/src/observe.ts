import type { Call, Identifier, Outcome } from "@heed/core/contract";
import type { StripeKind } from "./find-customers.ts";
import { ownersOf } from "./owner.ts";
import type { StripeCalls } from "./stripe-calls.ts";

/**
 * Reads under which addresses Stripe has the customers that were found. There are no choices to be read at Stripe. A
 * deleted customer is there, without an address: its payment methods may still hang on it.
 */
export async function observe(
  calls: StripeCalls,
  call: Call<"observe", StripeKind>,
): Promise<Outcome<"observe">> {
  const owners = ownersOf(call);
  if (owners.length === 0) return { status: "absent" };
  const addresses: Identifier[] = [];
  for (const { kind, id } of owners) {
    const customer = kind === "customer" ? await calls.customer(id) : undefined;
    if (customer === undefined || "deleted" in customer || typeof customer.email !== "string") continue;
    addresses.push({ kind: "email", value: customer.email });
  }
  return { status: "done", choices: [], addresses };
}
