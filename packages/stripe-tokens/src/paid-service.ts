import type { Obstacle } from "@heed/core/contract";
import type { Owner } from "./owner.ts";
import type { Customer, Subscription } from "./stripe-answers.ts";
import type { StripeCalls } from "./stripe-calls.ts";
import { endsAtMs, hasEnded, isEnding, isScheduled, savesCards } from "./subscription.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** The longest wait that the engine takes. What ends later is asked about in between. */
const longestWaitMs = 366 * dayMs;

/** What is paid for by some owners, and what is planned. */
export interface Services {
  readonly subscriptions: readonly Subscription[];
  /** Ids of schedules that have not started or are not over. */
  readonly schedules: readonly string[];
}

/** Reads what runs and what is planned. */
export async function servicesOf(calls: StripeCalls, owners: readonly Owner[]): Promise<Services> {
  const subscriptions: Subscription[] = [];
  const schedules: string[] = [];
  for (const owner of owners) {
    subscriptions.push(...(await currentSubscriptions(calls, owner)).filter((each) => !hasEnded(each)));
    schedules.push(...(await calls.schedules(owner)).filter(isScheduled).map(({ id }) => id));
  }
  return { subscriptions, schedules };
}

/** A customer shows what it subscribes to, and its defaults with that. */
async function currentSubscriptions(calls: StripeCalls, owner: Owner): Promise<readonly Subscription[]> {
  if (owner.kind === "customer-account") return calls.subscriptions(owner);
  const customer = await calls.customer(owner.id);
  if (customer === undefined || "deleted" in customer) return [];
  return subscriptionsOf(calls, customer);
}

/** Every one of them, also where the customer shows only the first. */
export async function subscriptionsOf(
  calls: StripeCalls,
  { id, subscriptions }: Customer,
): Promise<readonly Subscription[]> {
  return subscriptions.has_more ? calls.subscriptions({ kind: "customer", id }) : subscriptions.data;
}

/** Whether something goes on after what is paid for. */
export function goesOn({ subscriptions, schedules }: Services, nowMs: number): boolean {
  return schedules.length > 0 || subscriptions.some((each) => isToBeEnded(each, nowMs));
}

/** How long to wait until everything that runs has ended, and an hour more, in milliseconds. */
export function untilEnded({ subscriptions }: Services, nowMs: number): number {
  const endMs = Math.max(...subscriptions.map((each) => endsAtMs(each) ?? nowMs));
  return Math.min(longestWaitMs, Math.max(hourMs, endMs + hourMs - nowMs));
}

/** When all that is told to end will have, where Stripe says it of each. */
export function endOf({ subscriptions }: Services): Obstacle {
  const ends = subscriptions.map(endsAtMs);
  return ends.includes(undefined) ? {} : { until: new Date(Math.max(...ends.map(Number))).toISOString() };
}

/**
 * Lets everything that goes on end with what is paid for: schedules are released first, since Stripe refuses to
 * end a subscription that one of them leads; then each subscription is told to end with its period, and to save
 * no further card. One whose period is over by a day and that is still there is ended at once.
 *
 * Returns the subscriptions that run on until then.
 */
export async function endServices(
  calls: StripeCalls,
  { subscriptions, schedules }: Services,
  nowMs: number,
): Promise<Services> {
  for (const id of schedules) await calls.releaseSchedule(id);
  const running: Subscription[] = [];
  for (const each of subscriptions) {
    if (!isToBeEnded(each, nowMs)) {
      running.push(each);
    } else if (isOverdue(each, nowMs)) {
      await calls.cancelSubscription(each.id);
    } else {
      running.push(
        await calls.updateSubscription(each.id, {
          cancel_at_period_end: true,
          ...(savesCards(each) ? { payment_settings: { save_default_payment_method: "off" } } : {}),
        }),
      );
    }
  }
  return { subscriptions: running, schedules: [] };
}

/** One that awaits its first payment ends by itself within a day, and cannot be changed. */
function isToBeEnded(subscription: Subscription, nowMs: number): boolean {
  if (subscription.status === "incomplete") return false;
  return !isEnding(subscription) || isOverdue(subscription, nowMs);
}

function isOverdue(subscription: Subscription, nowMs: number): boolean {
  const endMs = endsAtMs(subscription);
  return isEnding(subscription) && endMs !== undefined && endMs + dayMs <= nowMs;
}
