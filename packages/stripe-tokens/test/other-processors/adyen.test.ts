import { describe, expect, it } from "vitest";
import { adyen } from "./adyen.ts";
import { adyenAccount } from "./adyen-account.ts";
import { clockOf, companyWith } from "./company.ts";

const shopper = "shopper-4711";
const [first, second, another] = ["993617895204576J", "993617895215577D", "993617895226578K"] as const;
const subject = { adyenShopperReference: shopper, adyenPspReference: [first, second] };
const access = { apiKey: "AQE", merchantAccount: "AcmeECOM" } as const;
const dayMs = 86_400_000;

/** Somebody with a token and two payments, and somebody else. */
function world() {
  const clock = clockOf();
  const vendor = adyenAccount(access.apiKey, access.merchantAccount, () => clock.now());
  vendor.tokens.set("8415995487234100", shopper).set("8415995487234999", "shopper-2");
  vendor.payments.set(first, { shopper }).set(second, { shopper });
  vendor.payments.set(another, { shopper: "shopper-2" });
  const shown = () => [first, second, another].map((payment) => vendor.shopperOf(payment) !== undefined);
  const company = companyWith(adyen({ ...access, fetch: vendor.fetch }), clock);
  const erasureOf = async (of: Readonly<Record<string, string | readonly string[]>>) =>
    (await company.heed.requests.open({ right: "erasure", identity: "signed-in", subject: of })).id;
  return { vendor, shown, ...company, erasureOf };
}

describe("forgetting at Adyen", () => {
  it("deletes the shopper's tokens, reads back that there are none, and touches nobody else", async () => {
    const { vendor, shown, settle, paidServiceEnded, proofOf } = world();
    const id = await paidServiceEnded(subject);
    await settle();
    expect([...vendor.tokens]).toEqual([["8415995487234999", "shopper-2"]]);
    expect(shown()).toEqual([true, true, true]);
    expect((await proofOf(id)).settled).toMatchObject({
      state: "verified",
      finding: "as-asked",
      affected: 1,
    });
  });

  it("asks for no deletion of a token that is gone already", async () => {
    const { vendor, settle, paidServiceEnded, proofOf } = world();
    vendor.tokens.set("8415995487234101", shopper);
    vendor.fault(/DELETE/, "answer-lost");
    const id = await paidServiceEnded(subject);
    await settle();
    expect([...vendor.tokens.values()]).toEqual(["shopper-2"]);
    expect(vendor.asked.filter((call) => call.startsWith("DELETE"))).toHaveLength(2);
    expect((await proofOf(id)).settled).toMatchObject({ state: "verified", outcome: "done" });
  });

  it("does nothing with a key that does not open the merchant account", async () => {
    const { vendor } = world();
    const { heed, paidServiceEnded, stepOf } = companyWith(
      adyen({ ...access, merchantAccount: "AcmePOS", fetch: vendor.fetch }),
    );
    const id = await paidServiceEnded(subject);
    await heed.work.drain();
    expect(await stepOf(id)).toMatchObject({ state: "due", because: "account-refused" });
    expect(vendor.tokens.size).toBe(2);
  });

  it("sends a human to look where it knows payments and no shopper", async () => {
    const { vendor, settle, paidServiceEnded, stepOf } = world();
    const id = await paidServiceEnded({ adyenPspReference: first });
    await settle();
    expect(await stepOf(id)).toMatchObject({
      state: "manual",
      because: "by-hand",
      instruction: expect.stringContaining("Customer Area"),
    });
    expect(vendor.tokens.size).toBe(2);
  });
});

describe("erasing at Adyen", () => {
  it("is acknowledged when Adyen says that it has every request, and never verified: nothing can be read", async () => {
    const { shown, heed, settle, erasureOf, stepOf, proofOf } = world();
    const id = await erasureOf(subject);
    await heed.work.drain();
    // Adyen has the requests and the data: nobody says that it is done.
    expect(shown()).toEqual([true, true, true]);
    expect(await stepOf(id, "erase")).toMatchObject({
      state: "due",
      because: "pending",
      outcome: "partly",
      affected: 2,
    });
    expect((await heed.requests.get(id)).state).toBe("executing");

    await settle();
    expect(shown()).toEqual([false, false, true]);
    const { settled, summary } = await proofOf(id, "erase");
    expect(settled).toMatchObject({ state: "acknowledged", outcome: "done", affected: 2 });
    expect(settled).not.toHaveProperty("finding");
    expect(summary.state).toBe("fulfilled");
  });

  it("waits while a token exists that it does not know, and is done when that is gone", async () => {
    const { vendor, shown, clock, settle, erasureOf, stepOf, proofOf } = world();
    vendor.tokens.set("8415995487235000", "the same person, under another reference");
    vendor.payments.set(second, { shopper: "the same person, under another reference" });
    const id = await erasureOf(subject);
    await settle(3 * dayMs);
    expect(await stepOf(id, "erase")).toMatchObject({
      state: "due",
      because: "recurring-token-exists",
      affected: 1,
    });
    expect(shown()).toEqual([false, true, true]);
    vendor.tokens.delete("8415995487235000");
    await clock.advance(dayMs);
    await settle();
    expect(shown()).toEqual([false, false, true]);
    expect((await proofOf(id, "erase")).settled).toMatchObject({ state: "acknowledged", affected: 2 });
  });

  it("takes what was requested before for requested, and what Adyen does not know for absent", async () => {
    const { vendor, settle, erasureOf, proofOf } = world();
    for (const payment of vendor.payments.values()) payment.erasureRequestedAt = 0;
    const before = await erasureOf(subject);
    await settle();
    expect((await proofOf(before, "erase")).settled).toMatchObject({
      state: "acknowledged",
      outcome: "done",
      affected: 0,
    });

    const unknown = await erasureOf({
      adyenShopperReference: "shopper-3",
      adyenPspReference: "000000000000000A",
    });
    await settle();
    expect((await proofOf(unknown, "erase")).settled).toMatchObject({
      state: "acknowledged",
      outcome: "absent",
    });
  });

  it("sends a human to look where no payment is known, and does not say that nothing is there", async () => {
    const { shown, settle, erasureOf, stepOf } = world();
    const id = await erasureOf({ adyenShopperReference: shopper });
    await settle();
    expect(await stepOf(id, "erase")).toMatchObject({ state: "manual", because: "by-hand" });
    expect(shown()).toEqual([true, true, true]);
  });
});
