import { runOnce } from "@heed/core";
import { describe, expect, it } from "vitest";
import { braintree } from "./braintree.ts";
import { braintreeAccount, type Subscription } from "./braintree-account.ts";
import { clockOf, companyWith } from "./company.ts";

const customer = "customer-1";
const subject = { braintreeCustomerId: customer };
const merchantAccountId = "acme_eur";
const dayMs = 86_400_000;

/** Somebody who has paid for twelve days more, with two cards, and somebody else. */
function world(neverExpires = false) {
  const clock = clockOf();
  const vendor = braintreeAccount(merchantAccountId, () => clock.now());
  const subscription: Subscription = { status: "Active", paidThroughDate: "2026-01-26", neverExpires };
  vendor.customers.add(customer).add("customer-2");
  vendor.vault.set("card-1", { customer, subscriptions: [subscription] });
  vendor.vault.set("card-2", { customer, subscriptions: [] });
  vendor.vault.set("card-9", { customer: "customer-2", subscriptions: [{ ...subscription }] });
  const processor = braintree({ gateway: vendor.gateway, merchantAccountId });
  return { vendor, subscription, processor, ...companyWith(processor, clock) };
}

describe("forgetting at Braintree", () => {
  it("takes away no day that is paid for: it waits until they are over, and forgets then", async () => {
    const { vendor, subscription, heed, clock, settle, paidServiceEnded, stepOf, proofOf } = world();
    const preview = await heed.requests.preview({ right: "erasure", subject });
    expect(preview.steps[0]?.effects).toEqual(["irreversible", "ends-paid-service"]);

    const id = await paidServiceEnded(subject);
    await heed.work.drain();
    expect(await stepOf(id)).toMatchObject({
      state: "due",
      because: "subscription-running",
      nextAt: expect.stringMatching(/^2026-01-28T00:00:00/),
      tries: 0,
    });
    await settle(10 * dayMs);
    expect(vendor.deleted).toEqual([]);
    expect(subscription.status).toBe("Active");

    await settle();
    expect(clock.now().toISOString() >= "2026-01-28").toBe(true);
    expect(vendor.deleted).toEqual(["card-1", "card-2"]);
    expect(subscription.status).toBe("Expired");
    expect(vendor.forfeitedDays()).toBe(0);
    expect([...vendor.vault.keys()]).toEqual(["card-9"]);
    const { settled, summary } = await proofOf(id);
    expect(settled).toMatchObject({ state: "verified", outcome: "done", finding: "as-asked", affected: 2 });
    expect(summary).toMatchObject({ state: "fulfilled", late: false });
  });

  it("never ends a service that goes on: a human decides at the deadline", async () => {
    const { vendor, subscription, settle, paidServiceEnded, stepOf } = world(true);
    const id = await paidServiceEnded(subject);
    await settle();
    expect(await stepOf(id)).toMatchObject({ state: "manual", because: "deadline-passed" });
    expect(vendor.deleted).toEqual([]);
    expect(subscription.status).toBe("Active");
  });

  it("ends it where that is allowed, and the days are lost then", async () => {
    const { vendor, subscription, processor } = world();
    const once = await runOnce(processor, "forgetTokens", subject, {
      clock: clockOf(),
      input: { endsPaidService: "allowed", keep: [] },
    });
    expect(once).toMatchObject({ state: "verified", affected: 2 });
    expect(subscription.status).toBe("Canceled");
    expect(vendor.forfeitedDays()).toBe(11);
    expect([...vendor.vault.keys()]).toEqual(["card-9"]);
  });

  it("is not used at all without its guard", async () => {
    const { vendor, processor } = world();
    const { guard: _guard, ...unguarded } = processor.operations.forgetTokens ?? {};
    const careless = { ...processor, operations: { forgetTokens: unguarded } } as typeof processor;
    expect(() => companyWith(careless)).toThrow(/forgetTokens\.guard: must say whether a paid service runs/);
    await expect(runOnce(careless, "forgetTokens", subject)).rejects.toMatchObject({
      code: "processors-do-not-fit",
    });
    expect(vendor.deleted).toEqual([]);
  });

  it("takes a card that is gone already for gone, and no other failure", async () => {
    const { vendor, subscription, heed, clock, settle, paidServiceEnded, stepOf, proofOf } = world();
    subscription.status = "Canceled";
    vendor.failing.set("delete", "serverError");
    const id = await paidServiceEnded(subject);
    await heed.work.drain();
    expect(await stepOf(id)).toMatchObject({ state: "due", because: "unavailable" });
    expect([...vendor.vault.keys()]).toEqual(["card-1", "card-2", "card-9"]);
    vendor.failing.clear();
    vendor.vault.delete("card-2");
    await clock.advance(dayMs);
    await settle();
    expect([...vendor.vault.keys()]).toEqual(["card-9"]);
    expect((await proofOf(id)).settled).toMatchObject({ state: "verified", outcome: "done", affected: 1 });
  });

  it("takes a refusal to a human", async () => {
    const { vendor, subscription, settle, paidServiceEnded, stepOf, failures } = world();
    subscription.status = "Canceled";
    vendor.failing.set("delete", "invalidKeysError");
    const id = await paidServiceEnded(subject);
    await settle();
    expect(await stepOf(id)).toMatchObject({ state: "failed", because: "rejected" });
    expect(vendor.deleted).toEqual([]);
    // Which failure it was is told, and nothing of its text, which names the holder.
    expect(failures).toEqual([expect.stringContaining("invalidKeysError")]);
    expect(failures.join("\n")).not.toMatch(/canary/i);
  });

  it("finds nobody under an id that the vault does not know", async () => {
    const { vendor, settle, paidServiceEnded, proofOf } = world();
    vendor.customers.delete(customer);
    const id = await paidServiceEnded(subject);
    await settle();
    expect((await proofOf(id)).settled).toMatchObject({ outcome: "absent" });
    expect(vendor.deleted).toEqual([]);
  });
});
