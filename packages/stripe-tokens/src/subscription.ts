import type { Subscription } from "./stripe-answers.ts";

/** Statuses that are an end. Every other one counts as alive, one that Stripe may add included. */
const endedSubscriptions = new Set(["canceled", "incomplete_expired"]);
const endedSchedules = new Set(["canceled", "completed", "released"]);

/** How long Stripe waits for a first payment. */
const firstPaymentMs = 23 * 3_600_000;

/** True for a subscription that is over: nothing of it can be changed any more, and nothing is charged. */
export function hasEnded({ status }: { readonly status: string }): boolean {
  return endedSubscriptions.has(status);
}

/** True for a schedule that has not started or is not over. */
export function isScheduled({ status }: { readonly status: string }): boolean {
  return !endedSchedules.has(status);
}

/** When what is paid for ends, in milliseconds since 1970; `undefined` where Stripe does not say. */
export function endsAtMs({ status, created, cancel_at, items }: Subscription): number | undefined {
  if (status === "incomplete") return created * 1000 + firstPaymentMs;
  if (cancel_at != null) return cancel_at * 1000;
  const ends = (items?.data ?? []).flatMap(({ current_period_end }) => current_period_end ?? []);
  return ends.length === 0 ? undefined : Math.max(...ends) * 1000;
}

/** Whether a subscription points to a credential, or would save one. */
export function hasDefaults(subscription: Subscription): boolean {
  const { default_payment_method, default_source } = subscription;
  return default_payment_method !== null || default_source !== null || savesCards(subscription);
}

/** Whether the next card that pays is saved as the subscription's default. */
export function savesCards({ payment_settings }: Subscription): boolean {
  return payment_settings?.save_default_payment_method === "on_subscription";
}
