import { type Clearance, ProcessorError, RateLimitedError, RejectedError } from "@heed/core/contract";
import type { StripeCalls } from "./stripe-calls.ts";

/** Statuses that are an end. Every other one counts as alive, one that Stripe may add included. */
const ended = {
  subscription: new Set(["canceled", "incomplete_expired"]),
  schedule: new Set(["canceled", "completed", "released"]),
  dispute: new Set(["won", "lost", "warning_closed", "prevented"]),
};

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/**
 * Still a paying customer? Asked of every customer of the subject, read from Stripe. It stands in the way:
 *
 * - `active-subscription`: one that is active, trialing, past due, unpaid, paused or incomplete
 * - `scheduled-subscription`: a schedule that has not started or is not over
 * - `open-invoice`: an invoice that waits for its payment
 * - `open-dispute`: a disputed charge that is not decided
 * - `unreadable`: Stripe did not answer one of these questions. No answer is never a yes.
 *
 * The first four are asked again after a day; the last after the wait that Stripe asks for, a minute, or an
 * hour where Stripe refused the question.
 */
export async function clearance(calls: StripeCalls, customers: readonly string[]): Promise<Clearance> {
  try {
    for (const customer of customers) {
      const blockedBy = await obligation(calls, customer);
      if (blockedBy !== undefined) return { blockedBy, checkAfterMs: dayMs };
    }
  } catch (error) {
    if (!(error instanceof ProcessorError)) throw error;
    return { blockedBy: "unreadable", checkAfterMs: waitAfter(error) };
  }
  return { clear: true };
}

async function obligation(calls: StripeCalls, customer: string): Promise<string | undefined> {
  const subscriptions = await calls.subscriptions(customer);
  if (subscriptions.some(({ status }) => !ended.subscription.has(status))) return "active-subscription";
  const schedules = await calls.schedules(customer);
  if (schedules.some(({ status }) => !ended.schedule.has(status))) return "scheduled-subscription";
  if ((await calls.openInvoices(customer)).length > 0) return "open-invoice";
  for (const charge of await calls.charges(customer)) {
    if (!charge.disputed) continue;
    const disputes = await calls.disputes(charge.id);
    if (disputes.length === 0 || disputes.some(({ status }) => !ended.dispute.has(status))) {
      return "open-dispute";
    }
  }
  return undefined;
}

function waitAfter(error: ProcessorError): number {
  if (error instanceof RateLimitedError) return error.retryAfterMs;
  return error instanceof RejectedError ? hourMs : minuteMs;
}

/** True for a subscription that is over: nothing of it can be changed any more, and nothing is charged. */
export function hasEnded(subscription: { readonly status: string }): boolean {
  return ended.subscription.has(subscription.status);
}
