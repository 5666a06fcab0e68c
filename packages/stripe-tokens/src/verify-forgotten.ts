import { hasEnded } from "./paying-guard.ts";
import type { StripeCalls } from "./stripe-calls.ts";

/**
 * Reads back whether a customer has no credential left, by other ways than those it was forgotten by: the
 * payment methods from the account's list, the legacy sources and defaults from the customer itself.
 */
export async function isForgotten(calls: StripeCalls, customer: string): Promise<boolean> {
  if ((await calls.methodsFiledUnder(customer)).length > 0) return false;
  if ((await calls.methodsFiledUnder(customer, "custom")).length > 0) return false;
  const left = await calls.customerCredentials(customer);
  if (left === undefined || "deleted" in left) return true;
  if (left.sources.data.length > 0 || left.default_source !== null) return false;
  if (left.invoice_settings.default_payment_method !== null) return false;
  const subscriptions = await calls.subscriptions(customer);
  return subscriptions.every(
    (each) => hasEnded(each) || (each.default_payment_method === null && each.default_source === null),
  );
}
