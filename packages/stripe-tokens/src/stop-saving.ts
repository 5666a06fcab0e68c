import { UnavailableError } from "@heed/core/contract";
import type { Owner } from "./owner.ts";
import type { StripeCalls } from "./stripe-calls.ts";
import { wasRefused } from "./stripe-error.ts";

/** Statuses of an intent that can be confirmed yet. What was confirmed is a payment, and the guard's to judge. */
const open = new Set(["requires_payment_method", "requires_confirmation", "requires_action"]);

/**
 * Ends what could save a credential again: open Checkout Sessions, then open payment and setup intents, which
 * a session may have taken with it. What was ended is looked at once more, in the lists, which are up to date
 * at once. Returns the ids of what changed.
 *
 * @throws UnavailableError when Stripe says that it is ended and still lists it as open
 */
export async function stopSaving(calls: StripeCalls, owner: Owner): Promise<readonly string[]> {
  const openSessions = () => calls.openSessions(owner);
  const openPayments = async () => (await calls.paymentIntents(owner)).filter(isOpen);
  const openSetups = async () => (await calls.setupIntents(owner)).filter(isOpen);
  return [
    ...(await endAll(calls, openSessions, calls.expireSession)),
    ...(await endAll(calls, openPayments, calls.cancelPaymentIntent)),
    ...(await endAll(calls, openSetups, calls.cancelSetupIntent)),
  ];
}

async function endAll(
  { operation }: StripeCalls,
  list: () => Promise<readonly { readonly id: string }[]>,
  end: (id: string) => Promise<unknown>,
): Promise<readonly string[]> {
  const found = await list();
  if (found.length === 0) return [];
  const ended: string[] = [];
  let refusal: unknown;
  for (const { id } of found) {
    try {
      await end(id);
      ended.push(id);
    } catch (error) {
      // It may have ended by itself meanwhile: the list tells.
      if (!wasRefused(error)) throw error;
      refusal = error;
    }
  }
  const asked = new Set(found.map(({ id }) => id));
  const left = (await list()).filter(({ id }) => asked.has(id));
  if (left.length === 0) return ended;
  throw (
    refusal ??
    new UnavailableError("Stripe lists as open what it said to have ended.", {
      processor: "stripe-tokens",
      operation,
    })
  );
}

function isOpen({ status }: { readonly status: string }): boolean {
  return open.has(status);
}
