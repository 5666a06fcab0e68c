import { RejectedError } from "@heed/core/contract";
import { hasEnded } from "./paying-guard.ts";
import type { StripeCalls } from "./stripe-calls.ts";

/** How often the lists are read anew when something was attached meanwhile. */
const rounds = 3;

/**
 * Lets go of every payment method and legacy source of one customer, one after another, since Stripe locks
 * the customer; then clears the defaults that point to them. Returns how many of Stripe's objects changed.
 *
 * What is still listed after the last round is left for the read-back to find.
 */
export async function forgetCustomer(calls: StripeCalls, customer: string): Promise<number> {
  const changed = new Set<string>();
  for (let round = 0; round < rounds; round += 1) {
    // Sources first: Stripe may show them among the payment methods too.
    const sources = await calls.sources(customer);
    for (const { id } of sources) {
      if (await deleteSource(calls, customer, id)) changed.add(id);
    }
    const methods = await calls.methodsOfCustomer(customer);
    for (const { id } of methods) {
      if (await detach(calls, id)) changed.add(id);
    }
    if (sources.length === 0 && methods.length === 0) break;
  }
  for (const id of await clearDefaults(calls, customer)) changed.add(id);
  return changed.size;
}

async function deleteSource(calls: StripeCalls, customer: string, id: string): Promise<boolean> {
  try {
    await calls.deleteSource(customer, id);
    return true;
  } catch (error) {
    if (!wasRefused(error)) throw error;
    const left = await calls.sources(customer);
    if (left.some((source) => source.id === id)) throw error;
    return false;
  }
}

/**
 * A method that somebody else detached in the meantime is refused with a 400 or a 404 of uncertain wording,
 * so Stripe is asked where it is now.
 */
async function detach(calls: StripeCalls, id: string): Promise<boolean> {
  try {
    return (await calls.detach(id)).customer === null;
  } catch (error) {
    if (!wasRefused(error)) throw error;
    const method = await calls.method(id);
    if (method !== undefined && method.customer !== null) throw error;
    return false;
  }
}

function wasRefused(error: unknown): boolean {
  return error instanceof RejectedError && (error.status === 400 || error.status === 404);
}

/** Stripe may leave a default that points to a detached method. */
async function clearDefaults(calls: StripeCalls, customer: string): Promise<readonly string[]> {
  const cleared: string[] = [];
  const defaults = await calls.customerDefaults(customer);
  if (defaults === undefined || "deleted" in defaults) return cleared;
  if (defaults.invoice_settings.default_payment_method !== null) {
    await calls.clearCustomerDefault(customer);
    cleared.push(customer);
  }
  for (const subscription of await calls.subscriptions(customer)) {
    const method = subscription.default_payment_method !== null;
    const source = subscription.default_source !== null;
    if (hasEnded(subscription) || !(method || source)) continue;
    await calls.clearSubscriptionDefaults(subscription.id, { method, source });
    cleared.push(subscription.id);
  }
  return cleared;
}
