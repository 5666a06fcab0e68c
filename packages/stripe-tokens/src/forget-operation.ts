import type { Call, Finding, Outcome } from "@heed/core/contract";
import type { StripeKind } from "./find-customers.ts";
import { findGuestCheckouts } from "./find-guests.ts";
import { forgetOwner } from "./forget-tokens.ts";
import { ownersOf } from "./owner.ts";
import { endOf, endServices, servicesOf, untilEnded } from "./paid-service.ts";
import { debtObstacle } from "./paying-guard.ts";
import { retainedOfGuests, retainedRecords } from "./retained-records.ts";
import type { StripeCalls } from "./stripe-calls.ts";
import { isForgotten } from "./verify-forgotten.ts";

/**
 * Lets go of every credential of the subject. Where paid service may be ended, that comes first: everything is
 * told to end with what is paid for, and nothing is let go of before it has.
 */
export async function forgetTokens(
  calls: StripeCalls,
  call: Call<"forgetTokens", StripeKind>,
  now: Date,
): Promise<Outcome<"forgetTokens">> {
  const { endsPaidService, keep } = call.input;
  const owners = ownersOf(call);
  if (endsPaidService === "allowed") {
    // Something may have ended since the guard looked.
    calls.lookAnew();
    const nowMs = now.getTime();
    const running = await endServices(calls, await servicesOf(calls, owners), nowMs);
    if (running.subscriptions.length > 0) {
      const checkAfterMs = untilEnded(running, nowMs);
      return { status: "blocked", by: "period-end", checkAfterMs, ...endOf(running) };
    }
    // The guard may have looked before the last one ended: then it did not ask this.
    const obstacle = await debtObstacle(calls, owners);
    if (obstacle !== undefined) {
      return { status: "blocked", by: obstacle.blockedBy, checkAfterMs: obstacle.checkAfterMs };
    }
  }
  const guests = await findGuestCheckouts(calls, call);
  if (owners.length === 0 && guests.length === 0) return { status: "absent" };
  const changed = new Set<string>();
  for (const owner of owners) {
    for (const id of (await forgetOwner(calls, owner, call.targets, "clear")).changed) changed.add(id);
  }
  const retained = [...(await retainedRecords(calls, owners, keep)), ...retainedOfGuests(guests, keep)];
  return { status: "done", affected: changed.size, ...(retained.length > 0 ? { retained } : {}) };
}

/** Reads every owner back. */
export async function readForgotten(calls: StripeCalls, call: Pick<Call, "targets">): Promise<Finding> {
  for (const owner of ownersOf(call)) {
    if (!(await isForgotten(calls, owner, call.targets))) return { seen: "not-as-asked" };
  }
  return { seen: "as-asked" };
}
