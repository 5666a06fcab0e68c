import { type Call, type Outcome, UnavailableError } from "@heed/core/contract";
import type { StripeKind } from "./find-customers.ts";
import { findGuestCheckouts } from "./find-guests.ts";
import { forgetOwner } from "./forget-tokens.ts";
import {
  type Left,
  keptWithCustomer,
  leftBy,
  leftByGuests,
  redactableAtMs,
  retainedOf,
} from "./left-behind.ts";
import { type Owner, methodsIn, ownersOf } from "./owner.ts";
import {
  continueRedactions,
  createRedactions,
  redactingMs,
  redactionCapability,
  referenceOf,
} from "./redaction.ts";
import type { StripeCalls } from "./stripe-calls.ts";
import { isMissing } from "./stripe-error.ts";

/** How far an erasure goes. */
export interface Erasing {
  readonly now: Date;
  /** Whether what Stripe keeps is redacted where the account has redaction. */
  readonly redaction: boolean;
}

/**
 * Ends the subject at Stripe: lets go of every credential, deletes drafts, and only when the list of payment
 * methods reads empty the customer. What Stripe keeps is reported with the reason, and where it may be redacted
 * later with the date; it is redacted now where it is old enough, and the account has redaction.
 *
 * Where a law or a hold keeps more than what outlives a customer, the customer stays, without its credentials.
 */
export async function erase(
  calls: StripeCalls,
  call: Call<"erase", StripeKind>,
  { now, redaction }: Erasing,
): Promise<Outcome<"erase">> {
  const { reference, targets } = call;
  const owners = ownersOf(call);
  const guests = await findGuestCheckouts(calls, call);
  const { keep, tokensForgotten = false } = call.input;
  if (owners.length === 0 && guests.length === 0 && !tokensForgotten) return { status: "absent" };

  const keptRecord = keptWithCustomer(keep);
  const ends = keptRecord.length === 0;
  const left: Left[] = [...leftByGuests(guests)];
  const ended: Owner[] = [];
  let isRecordLeft = false;
  let affected = 0;
  for (const owner of owners) {
    const { changed, isDeleted } = await forgetOwner(calls, owner, targets, ends ? "delete" : "clear");
    const hadMethods = changed.length > 0 || methodsIn(targets, owner).length > 0;
    left.push(...(await leftBy(calls, owner, hadMethods)));
    if (ends && !isDeleted && (await endOwner(calls, owner))) ended.push(owner);
    isRecordLeft ||= !ends && !isDeleted;
    affected += new Set(changed).size;
  }
  affected += ended.length;
  // What was detached before can still be read by its id, and is in no list any more.
  if (tokensForgotten) left.push({ category: "payment-methods" });
  if (reference !== undefined && ended.length === 0) return continueRedactions(calls, reference, affected);
  if (left.length === 0 && !isRecordLeft) return { status: "done", affected };

  const done = (reason: string, untilMs?: number): Outcome<"erase"> => ({
    status: "done",
    affected,
    retained: [...retainedOf(left, keep, reason, untilMs), ...(isRecordLeft ? keptRecord : [])],
  });
  // What a law or a hold keeps is kept as a whole: a redaction reaches all that a customer has.
  if (!redaction || keep.length > 0) return done("kept-by-processor");
  const capability = await redactionCapability(calls);
  if (capability !== "there") return done(`redaction-${capability}`);
  const dueAtMs = redactableAtMs(left);
  if (dueAtMs > now.getTime()) return done("redaction-after-ninety-days", dueAtMs);

  const isFirst = reference === undefined;
  const jobs = await createRedactions(calls, {
    customers: (isFirst ? owners : ended).flatMap(({ kind, id }) => (kind === "customer" ? id : [])),
    payment_intents: guests.flatMap(({ payment_intent: id }) =>
      isFirst && typeof id === "string" ? id : [],
    ),
  });
  if (jobs === "refused") return done("redaction-refused");
  // Nobody is found any more whom a job could be about.
  if (jobs.length === 0) return done("kept-by-processor");
  const all = isFirst ? jobs : [reference, ...jobs];
  return { status: "pending", reference: referenceOf(all), checkAfterMs: redactingMs, affected };
}

/** Deletes the customer, or closes the account. Answers whether that changed anything. */
async function endOwner(calls: StripeCalls, owner: Owner): Promise<boolean> {
  if (owner.kind === "customer-account") {
    const account = await calls.customerAccount(owner.id);
    if (account === undefined || account.closed === true) return false;
    await calls.closeCustomerAccount(owner.id);
    return true;
  }
  // After the deletion nobody could find what still hangs there.
  if ((await calls.methodsFiledUnder(owner)).length > 0) {
    throw new UnavailableError("Stripe still lists payment methods of the customer.", {
      processor: "stripe-tokens",
      operation: calls.operation,
    });
  }
  try {
    await calls.deleteCustomer(owner.id);
    return true;
  } catch (error) {
    // Somebody else was faster; reading back tells.
    if (isMissing(error)) return false;
    throw error;
  }
}
