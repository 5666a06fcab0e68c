import type { Call, OperationName } from "@heed/core/contract";
import { type StripeKind, canonical, spellingsOf } from "./find-customers.ts";
import type { GuestSession } from "./stripe-answers.ts";
import type { StripeCalls } from "./stripe-calls.ts";

/**
 * The checkouts at which a subject paid as a guest: Checkout Sessions with one of the addresses and without a
 * customer. Stripe finds no other payment of a guest by an address. What it answers is compared once more.
 */
export async function findGuestCheckouts(
  calls: StripeCalls,
  { identifiers }: Pick<Call<OperationName, StripeKind>, "identifiers">,
): Promise<readonly GuestSession[]> {
  const sessions = new Map<string, GuestSession>();
  for (const { kind, value } of identifiers) {
    if (kind !== "email") continue;
    const wanted = canonical(value);
    for (const spelling of spellingsOf(value)) {
      for (const session of await calls.sessionsOf(spelling)) {
        const isGuest = session.customer === null && session.customer_account === null;
        if (isGuest && canonical(session.customer_details?.email) === wanted)
          sessions.set(session.id, session);
      }
    }
  }
  return [...sessions.values()];
}
