import { billingAdditions } from "./billing-additions.ts";
import { making } from "./making.ts";
import { moveJobs } from "./redaction-jobs.ts";
import type { SubscriptionObject } from "./stripe-objects.ts";
import { endedStatuses, periodEndOf } from "./subscription-changes.ts";
import type { World } from "./world.ts";

const monthSeconds = 30 * 86_400;
const firstPaymentSeconds = 23 * 3600;

/** What happens by itself until now: periods end and are renewed or not, jobs go on. */
export function letTimePass(world: World): void {
  const now = Math.floor(world.switches.now().getTime() / 1000);
  for (const subscription of world.state.subscriptions.values()) {
    if (endedStatuses.has(subscription.status)) continue;
    if (subscription.status === "incomplete") {
      if (subscription.created + firstPaymentSeconds <= now) end(subscription, "incomplete_expired", now);
      continue;
    }
    while (!endedStatuses.has(subscription.status) && turnOf(subscription) <= now) {
      const at = turnOf(subscription);
      if (subscription.cancel_at_period_end) end(subscription, "canceled", at);
      else if (subscription.status === "paused") break;
      else if (subscription.cancel_at === at) end(subscription, "canceled", at);
      else renew(subscription, world);
    }
  }
  moveJobs(world.state, world.switches, now);
}

/** When its period is over, or it is told to end within that. */
function turnOf(subscription: SubscriptionObject): number {
  return Math.min(periodEndOf(subscription), subscription.cancel_at ?? Number.POSITIVE_INFINITY);
}

function end(subscription: SubscriptionObject, status: string, at: number): void {
  subscription.status = status;
  subscription.ended_at = at;
}

/** The next period is paid by the default method, or stays owed. */
function renew(subscription: SubscriptionObject, world: World): void {
  const owner = subscription.customer ?? subscription.customer_account ?? "";
  const customer = world.state.customers.get(owner);
  const method =
    subscription.default_payment_method ??
    customer?.invoice_settings.default_payment_method ??
    customer?.default_source;
  const isPaid = method != null && (world.state.sources.has(method) || isAttached(method, world));
  billingAdditions(making(world)).invoice(owner, {
    id: `in_${subscription.id}_${periodEndOf(subscription)}`,
    status: isPaid ? "paid" : "open",
  });
  subscription.status = isPaid ? "active" : "past_due";
  for (const item of subscription.items.data) item.current_period_end += monthSeconds;
  if (isPaid && subscription.payment_settings.save_default_payment_method === "on_subscription") {
    subscription.default_payment_method = method;
  }
}

function isAttached(id: string, { state }: World): boolean {
  const method = state.paymentMethods.get(id);
  return method !== undefined && (method.customer !== null || method.customer_account !== null);
}
