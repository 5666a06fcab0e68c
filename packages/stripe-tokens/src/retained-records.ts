import type { Retained } from "@heed/core/contract";
import type { StripeCalls } from "./stripe-calls.ts";

/**
 * Of what was told to be kept, that which is really left at Stripe. `invoices` and `charges` are looked for;
 * any other category is left when the customer's record is, since forgetting credentials touches nothing else.
 */
export async function retainedRecords(
  calls: StripeCalls,
  customers: readonly string[],
  keep: readonly Retained[],
): Promise<readonly Retained[]> {
  const retained: Retained[] = [];
  for (const each of keep) {
    for (const customer of customers) {
      if (!(await isLeft(calls, customer, each.category))) continue;
      retained.push(each);
      break;
    }
  }
  return retained;
}

async function isLeft(calls: StripeCalls, customer: string, category: string): Promise<boolean> {
  if (category === "invoices") return calls.hasInvoices(customer);
  if (category === "charges") return calls.hasCharges(customer);
  const record = await calls.customer(customer);
  return record !== undefined && !("deleted" in record);
}
