import { describe, expect, it } from "vitest";
import { subscriptionSchema } from "./stripe-answers.ts";
import { isEnding } from "./subscription.ts";

const day = 86_400;
const now = Date.parse("2026-03-01T10:00:00Z") / 1000;

/** A subscription as Stripe answers it, of items that are paid for until then. */
function subscription(paidUntil: readonly (number | null)[] | null, set: object) {
  const items = paidUntil && { data: paidUntil.map((current_period_end) => ({ current_period_end })) };
  const about = { id: "sub_1", status: "active", created: now - day };
  return subscriptionSchema.parse({
    ...about,
    default_payment_method: null,
    default_source: null,
    items,
    ...set,
  });
}

describe("a subscription is ending", () => {
  it("where it is told to with its period, or to before that is over", () => {
    expect(isEnding(subscription([now + day], { cancel_at_period_end: true }))).toBe(true);
    expect(isEnding(subscription([now + day], { cancel_at: now + day }))).toBe(true);
    // The last of what is paid for counts.
    expect(isEnding(subscription([now + day, now + 9 * day], { cancel_at: now + 5 * day }))).toBe(true);
  });

  it("and goes on where it is told nothing, or to end later, or where Stripe does not say what is paid for", () => {
    expect(isEnding(subscription([now + day], { cancel_at_period_end: false, cancel_at: null }))).toBe(false);
    expect(isEnding(subscription([now + day], { cancel_at: now + day + 1 }))).toBe(false);
    for (const paidUntil of [null, [], [null]])
      expect(isEnding(subscription(paidUntil, { cancel_at: now + day }))).toBe(false);
  });
});
