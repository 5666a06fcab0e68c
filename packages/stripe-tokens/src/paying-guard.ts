import { type Clearance, ProcessorError, RateLimitedError, RejectedError } from "@heed/core/contract";
import type { Owner } from "./owner.ts";
import { type Services, endOf, goesOn, servicesOf, untilEnded } from "./paid-service.ts";
import type { Charge } from "./stripe-answers.ts";
import type { StripeCalls } from "./stripe-calls.ts";
import { isEnding } from "./subscription.ts";

/** Dispute statuses that are an end. Every other one counts as open, one that Stripe may add included. */
const decided = new Set(["won", "lost", "warning_closed", "prevented"]);
/** Payments on their way: neither made nor given up. */
const underWay = new Set(["processing", "requires_capture"]);

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** What the guard goes by. */
export interface Judging {
  readonly now: Date;
  /** Whether what is paid for may be ended, with its period. Default: `"refused"`. */
  readonly endsPaidService?: "allowed" | "refused";
}

type Blocked = Extract<Clearance, { readonly blockedBy: string }>;

/**
 * Still a paying customer? Asked of every customer of the subject, read from Stripe. It stands in the way, and
 * goes by itself or by what somebody does:
 *
 * - `active-subscription`: one that is active, trialing, past due, unpaid, paused or incomplete, and goes on after what
 *   is paid for, also where it is told to end some day later: cancel it
 * - `ending-subscription`: all that run are told to end with what is paid for: asked again when they have
 * - `scheduled-subscription`: a schedule that has not started or is not over: cancel or release it
 * - `open-invoice`: an invoice that waits for its payment: let it be paid, or void it
 * - `payment-in-progress`: a payment that is not through, or an amount reserved and not collected
 * - `open-dispute`: a disputed charge that is not decided
 * - `unreadable`: Stripe did not answer one of these questions. No answer is never a yes.
 *
 * Where paid service may be ended, what runs does not stand in the way of ending it, and nothing is let go of
 * before it has: `period-end` then says that all of it is told to end. What is owed or disputed still does.
 *
 * Asked again after a day; where an end is known, then; after the wait that Stripe asks for, a minute, or an
 * hour where Stripe refused the question.
 */
export async function clearance(
  calls: StripeCalls,
  owners: readonly Owner[],
  { now, endsPaidService = "refused" }: Judging,
): Promise<Clearance> {
  const nowMs = now.getTime();
  try {
    const services = await servicesOf(calls, owners);
    if (endsPaidService === "allowed") {
      if (goesOn(services, nowMs)) return { clear: true };
      if (services.subscriptions.length > 0) {
        return { blockedBy: "period-end", checkAfterMs: untilEnded(services, nowMs), ...endOf(services) };
      }
    }
    return serviceObstacle(services, nowMs) ?? (await debtObstacle(calls, owners)) ?? { clear: true };
  } catch (error) {
    if (!(error instanceof ProcessorError)) throw error;
    return { blockedBy: "unreadable", checkAfterMs: waitAfter(error) };
  }
}

function serviceObstacle(services: Services, nowMs: number): Blocked | undefined {
  const { subscriptions, schedules } = services;
  if (subscriptions.length > 0) {
    const waitMs = untilEnded(services, nowMs);
    return subscriptions.every(isEnding)
      ? { blockedBy: "ending-subscription", checkAfterMs: waitMs, ...endOf(services) }
      : // It may be cancelled on any day.
        { blockedBy: "active-subscription", checkAfterMs: Math.min(dayMs, waitMs) };
  }
  return schedules.length > 0 ? { blockedBy: "scheduled-subscription", checkAfterMs: dayMs } : undefined;
}

/** What is owed, on its way or disputed. */
export async function debtObstacle(
  calls: StripeCalls,
  owners: readonly Owner[],
): Promise<Blocked | undefined> {
  for (const owner of owners) {
    if ((await calls.invoices(owner)).some(({ status }) => status === "open")) {
      return { blockedBy: "open-invoice", checkAfterMs: dayMs };
    }
    const { charges, isUnderWay } = await paymentsOf(calls, owner);
    if (isUnderWay) return { blockedBy: "payment-in-progress", checkAfterMs: dayMs };
    for (const { id } of charges.filter(({ disputed }) => disputed)) {
      const disputes = await calls.disputes(id);
      if (disputes.length === 0 || disputes.some(({ status }) => !decided.has(status))) {
        return { blockedBy: "open-dispute", checkAfterMs: dayMs };
      }
    }
  }
  return undefined;
}

async function paymentsOf(
  calls: StripeCalls,
  owner: Owner,
): Promise<{ charges: readonly Charge[]; isUnderWay: boolean }> {
  if (owner.kind === "customer") {
    const charges = await calls.charges(owner.id);
    return { charges, isUnderWay: charges.some(isReservedOrPending) };
  }
  const payments = await calls.chargedPayments(owner);
  return {
    charges: payments.flatMap(({ latest_charge }) => latest_charge ?? []),
    isUnderWay: payments.some(({ status }) => underWay.has(status)),
  };
}

function isReservedOrPending({ status, captured, refunded }: Charge): boolean {
  return status === "pending" || (status === "succeeded" && captured === false && refunded !== true);
}

function waitAfter(error: ProcessorError): number {
  if (error instanceof RateLimitedError) return error.retryAfterMs;
  return error instanceof RejectedError ? hourMs : minuteMs;
}
