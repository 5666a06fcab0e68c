import type { Retained } from "@heed/core/contract";
import type { Owner } from "./owner.ts";
import type { GuestSession } from "./stripe-answers.ts";
import type { StripeCalls } from "./stripe-calls.ts";

/**
 * Of what was told to be kept, that which is really left at Stripe. `invoices` and `charges` are looked for;
 * any other category is left when the customer's record is, since forgetting credentials touches nothing else.
 */
export async function retainedRecords(
  calls: StripeCalls,
  owners: readonly Owner[],
  keep: readonly Retained[],
): Promise<readonly Retained[]> {
  const retained: Retained[] = [];
  for (const each of keep) {
    for (const owner of owners) {
      if (!(await isLeft(calls, owner, each.category))) continue;
      retained.push(each);
      break;
    }
  }
  return retained;
}

async function isLeft(calls: StripeCalls, owner: Owner, category: string): Promise<boolean> {
  if (category === "invoices") return isAny(await calls.newestInvoice(owner));
  if (category === "charges") return isAny(await newestPayment(calls, owner));
  if (owner.kind === "customer-account") return true;
  const record = await calls.customer(owner.id);
  return record !== undefined && !("deleted" in record);
}

/** An object, and not that there is none. */
function isAny(newest: object | "none" | "unlisted"): boolean {
  return typeof newest === "object";
}

/** The newest charge; of an account, whose charges Stripe does not list, the newest payment. */
export function newestPayment(calls: StripeCalls, owner: Owner) {
  return owner.kind === "customer" ? calls.newestCharge(owner.id) : calls.newestPayment(owner);
}

/**
 * What guests paid stays: nothing of it can be charged again, nothing hangs at a customer, and Stripe deletes
 * no payment. Reported as the policy says where it keeps charges.
 */
export function retainedOfGuests(
  guests: readonly GuestSession[],
  keep: readonly Retained[],
): readonly Retained[] {
  if (guests.length === 0) return [];
  const told = keep.find(({ category }) => category === "charges");
  return [{ ...(told ?? { reason: "kept-by-processor" }), category: "guest-payments" }];
}
