import { one } from "./form.ts";
import { type Asked, seen } from "./route.ts";
import { StripeFailure, noSuch } from "./stripe-failure.ts";
import type { SubscriptionObject } from "./stripe-objects.ts";

/** Statuses in which a subscription is over. */
export const endedStatuses: ReadonlySet<string> = new Set(["canceled", "incomplete_expired"]);

/** The end of what is paid for: seconds since 1970. */
export function periodEndOf({ items }: SubscriptionObject): number {
  return Math.max(...items.data.map(({ current_period_end }) => current_period_end));
}

/** Changes what was sent. One that is over, or that awaits its first payment, can hardly be changed. */
export function updateSubscription(asked: Asked): object {
  const subscription = inPath(asked);
  const { params, state } = asked;
  const method = one(params, "default_payment_method");
  const source = one(params, "default_source");
  if (endedStatuses.has(subscription.status)) {
    throw new StripeFailure(400, {
      message: "A canceled subscription can only update its cancellation_details and metadata.",
    });
  }
  if (subscription.status === "incomplete" && [...params.keys()].some((name) => name !== "default_source")) {
    throw new StripeFailure(400, {
      message: "A subscription in this status can only have metadata and default_source updated.",
    });
  }
  if (method !== undefined) {
    const isOwn = state.paymentMethods.get(method)?.customer === subscription.customer;
    if (method !== "" && !isOwn) throw noSuch("PaymentMethod", method, "default_payment_method", 400);
    subscription.default_payment_method = method || null;
  }
  if (source !== undefined) {
    const isOwn = state.sources.get(source)?.customer === subscription.customer;
    if (source !== "" && !isOwn) throw noSuch("source", source, "default_source", 400);
    subscription.default_source = source || null;
  }
  const saves = one(params, "payment_settings[save_default_payment_method]");
  if (saves === "off" || saves === "on_subscription") {
    subscription.payment_settings = { save_default_payment_method: saves };
  }
  const atPeriodEnd = one(params, "cancel_at_period_end");
  if (atPeriodEnd !== undefined) {
    if (subscription.schedule !== null) {
      throw new StripeFailure(400, {
        message:
          "The subscription is managed by the subscription schedule, and updating any cancelation behavior directly is not allowed.",
      });
    }
    subscription.cancel_at_period_end = atPeriodEnd === "true";
    subscription.cancel_at = atPeriodEnd === "true" ? periodEndOf(subscription) : null;
  }
  return subscription;
}

/** Ends it at once. */
export function cancelSubscription(asked: Asked): object {
  const subscription = inPath(asked);
  if (endedStatuses.has(subscription.status)) throw noSuch("subscription", subscription.id, "id");
  subscription.status = "canceled";
  subscription.ended_at = Math.floor(asked.switches.now().getTime() / 1000);
  return subscription;
}

function inPath(asked: Asked): SubscriptionObject {
  const id = asked.ids[0] ?? "";
  const subscription = seen(asked.state.subscriptions, id, asked);
  if (subscription === undefined) throw noSuch("subscription", id, "id");
  return subscription;
}
