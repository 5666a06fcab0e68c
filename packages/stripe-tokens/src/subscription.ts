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

/** When it ends, as it stands, or what is paid for does; in milliseconds since 1970; `undefined` where Stripe does not say. */
export function endsAtMs(subscription: Subscription): number | undefined {
  const { status, created, cancel_at } = subscription;
  if (status === "incomplete") return created * 1000 + firstPaymentMs;
  return cancel_at == null ? paidUntilMs(subscription) : cancel_at * 1000;
}

/**
 * Whether it is told to end with what is paid for, or before. One that is told to end later is paid for again and again
 * until then, maybe for years, so that it goes on.
 */
export function isEnding(subscription: Subscription): boolean {
  const { cancel_at, cancel_at_period_end } = subscription;
  if (cancel_at_period_end === true) return true;
  const paidUntil = paidUntilMs(subscription);
  return cancel_at != null && paidUntil !== undefined && cancel_at * 1000 <= paidUntil;
}

/** The end of the current period. */
function paidUntilMs({ items }: Subscription): number | undefined {
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
