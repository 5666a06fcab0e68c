import type { Asked } from "./route.ts";
import { blankCustomer, type CustomerObject } from "./stripe-objects.ts";

/**
 * A stub stays, subscriptions and schedules end at once, legacy sources go; invoices, charges and, where the
 * switch says so, payment methods stay.
 */
export function deleteCustomer(
  customer: CustomerObject,
  { state, switches }: Pick<Asked, "state" | "switches">,
): void {
  const { id } = customer;
  Object.assign(customer, {
    deleted: true,
    ...blankCustomer(),
  });
  const endedAt = Math.floor(switches.now().getTime() / 1000);
  for (const subscription of state.subscriptions.values()) {
    if (subscription.customer !== id || subscription.status === "canceled") continue;
    subscription.status = "canceled";
    subscription.ended_at = endedAt;
  }
  for (const schedule of state.schedules.values()) {
    if (schedule.customer === id && ["not_started", "active"].includes(schedule.status)) {
      schedule.status = "canceled";
    }
  }
  for (const source of state.sources.values()) if (source.customer === id) state.sources.delete(source.id);
  if (switches.deletedKeepMethods) return;
  for (const method of state.paymentMethods.values()) {
    if (method.customer !== id) continue;
    state.formerOwners.set(method.id, id);
    method.customer = null;
  }
}
