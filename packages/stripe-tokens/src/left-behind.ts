import type { Retained } from "@heed/core/contract";
import type { Owner } from "./owner.ts";
import { newestPayment } from "./retained-records.ts";
import type { GuestSession } from "./stripe-answers.ts";
import type { StripeCalls } from "./stripe-calls.ts";

/** Stripe redacts no transaction that is younger. */
const redactableAfterMs = 90 * 86_400_000;

/** What stays when a customer is deleted. */
const outlive = new Set(["charges", "guest-payments", "invoices", "payment-methods"]);

/**
 * What is to be kept and would go with the customer: any category but those that outlive it. Where there is one,
 * the customer's record is what a law or a hold keeps, and is not deleted.
 */
export function keptWithCustomer(keep: readonly Retained[]): readonly Retained[] {
  return keep.filter(({ category }) => !outlive.has(category));
}

/** Something that Stripe keeps of a customer who is deleted. */
export interface Left {
  readonly category: "charges" | "invoices" | "payment-methods" | "guest-payments" | "customer-account";
  /** Of a transaction: when the newest was made, in seconds since 1970. */
  readonly transactedAt?: number;
}

/**
 * What Stripe keeps of an owner: its charges and invoices, and every payment method that it had, which can still
 * be read by its id. What Stripe does not list any more, since the customer is deleted, may be there too.
 */
export async function leftBy(
  calls: StripeCalls,
  owner: Owner,
  hadMethods: boolean,
): Promise<readonly Left[]> {
  const left: Left[] = owner.kind === "customer-account" ? [{ category: "customer-account" }] : [];
  const payment = await newestPayment(calls, owner);
  if (typeof payment === "object") left.push({ category: "charges", transactedAt: payment.created });
  else if (payment === "unlisted") left.push({ category: "charges" });
  const invoice = await calls.newestInvoice(owner);
  if (invoice !== "none") left.push({ category: "invoices" });
  return hadMethods ? [...left, { category: "payment-methods" }] : left;
}

/** What Stripe keeps of checkouts as a guest. */
export function leftByGuests(guests: readonly GuestSession[]): readonly Left[] {
  return guests.map(({ created }) => ({ category: "guest-payments", transactedAt: created }));
}

/** From when on all of it may be redacted, in milliseconds since 1970. */
export function redactableAtMs(left: readonly Left[]): number {
  const newest = left.flatMap(({ transactedAt }) => transactedAt ?? []);
  return newest.length === 0 ? 0 : Math.max(...newest) * 1000 + redactableAfterMs;
}

/**
 * What is left, each category once: as the policy says where it keeps that category, otherwise for `reason`.
 *
 * @param untilMs until when it stays, in milliseconds since 1970, where that is known
 */
export function retainedOf(
  left: readonly Left[],
  keep: readonly Retained[],
  reason: string,
  untilMs?: number,
): readonly Retained[] {
  const until = untilMs === undefined ? {} : { until: new Date(untilMs).toISOString().slice(0, 10) };
  return [...new Set(left.map(({ category }) => category))].map(
    (category) => keep.find((each) => each.category === category) ?? { category, reason, ...until },
  );
}
