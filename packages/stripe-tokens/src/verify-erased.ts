import type { Call, Finding } from "@heed/core/contract";
import type { StripeKind } from "./find-customers.ts";
import { readForgotten } from "./forget-operation.ts";
import { keptWithCustomer } from "./left-behind.ts";
import { type Owner, ownersOf } from "./owner.ts";
import { progressOf, redactingMs } from "./redaction.ts";
import type { StripeCalls } from "./stripe-calls.ts";

const searchLagMs = 60_000;

/**
 * Reads back whether the subject is gone: every customer answers that it is deleted, no payment method is listed
 * under it, no search by an address finds it, and what was to be redacted is.
 *
 * Where the customer is kept, only its credentials have to be gone. A search that still finds a deleted customer lags; a job that Stripe works on is looked at again.
 */
export async function readErased(
  calls: StripeCalls,
  call: Call<"erase", StripeKind>,
  searchSpellings: boolean,
): Promise<Finding> {
  if (keptWithCustomer(call.input.keep).length > 0) return readForgotten(calls, call);
  const owners = ownersOf(call);
  for (const owner of owners) if (!(await isGone(calls, owner))) return { seen: "not-as-asked" };
  if (call.reference !== undefined) {
    const { progress } = await progressOf(calls, call.reference);
    if (progress === "working") return { seen: "not-yet", checkAfterMs: redactingMs };
    if (progress !== "succeeded") return { seen: "not-as-asked" };
  }
  if (!searchSpellings || owners.length === 0) return { seen: "as-asked" };
  const gone = new Set(owners.map(({ id }) => id));
  for (const { kind, value } of call.identifiers) {
    if (kind !== "email") continue;
    const found = await calls.customersSearchedAs(value);
    if (found.some(({ id }) => gone.has(id))) return { seen: "not-yet", checkAfterMs: searchLagMs };
  }
  return { seen: "as-asked" };
}

async function isGone(calls: StripeCalls, owner: Owner): Promise<boolean> {
  if ((await calls.methodsFiledUnder(owner)).length > 0) return false;
  if (owner.kind === "customer-account") {
    const account = await calls.customerAccount(owner.id);
    return account === undefined || account.closed === true;
  }
  const customer = await calls.customer(owner.id);
  return customer === undefined || "deleted" in customer;
}
