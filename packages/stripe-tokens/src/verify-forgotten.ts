import type { Target } from "@heed/core/contract";
import { isAttached } from "./forget-tokens.ts";
import { type Owner, methodsIn } from "./owner.ts";
import { subscriptionsOf } from "./paid-service.ts";
import type { StripeCalls } from "./stripe-calls.ts";
import { hasDefaults, hasEnded } from "./subscription.ts";

/**
 * Reads back whether a customer or account has no credential left, by other ways than those it was found by:
 * the payment methods from the list of all, the legacy sources and defaults from the customer itself. Of a
 * customer that is gone, each method that was found earlier is asked for by its id: its lists may be gone too.
 */
export async function isForgotten(
  calls: StripeCalls,
  owner: Owner,
  targets: readonly Target[],
): Promise<boolean> {
  const known = methodsIn(targets, owner);
  if ((await calls.methodsFiledUnder(owner)).length > 0) return false;
  if (known.some(({ kind }) => kind === "custom-payment-method")) {
    if ((await calls.methodsFiledUnder(owner, "custom")).length > 0) return false;
  }
  if (owner.kind === "customer-account") {
    return (await calls.subscriptions(owner)).every((each) => hasEnded(each) || !hasDefaults(each));
  }
  const left = await calls.customer(owner.id);
  if (left === undefined || "deleted" in left) {
    for (const { id } of known) if (await isAttached(calls, id)) return false;
    return true;
  }
  if (left.sources.data.length > 0 || left.default_source !== null) return false;
  if (left.invoice_settings.default_payment_method !== null) return false;
  return (await subscriptionsOf(calls, left)).every((each) => hasEnded(each) || !hasDefaults(each));
}
