import { describe, expect, it } from "vitest";
import { companyWith } from "./company.ts";
import { paypal } from "./paypal.ts";
import { paypalAccount } from "./paypal-account.ts";

const customer = "customer_4029352050";
const subject = { paypalCustomerId: customer };
const access = { accessToken: "A21A", payerId: "VYYFH3WJ4JPJQ" } as const;

/** Somebody with more saved than one page shows, and somebody else. */
function world(saved = 7) {
  const vendor = paypalAccount(access.accessToken, access.payerId);
  for (let number = 1; number <= saved; number += 1) vendor.vault.set(`token-${number}`, customer);
  vendor.vault.set("token-of-another", "customer_2");
  const deleted = () => vendor.asked.filter((call) => call.startsWith("DELETE")).length;
  return { vendor, deleted, ...companyWith(paypal({ ...access, fetch: vendor.fetch })) };
}

describe("forgetting at PayPal", () => {
  it("deletes all that is saved, over all pages, and touches nobody else", async () => {
    const { vendor, deleted, settle, paidServiceEnded, proofOf } = world(33);
    const id = await paidServiceEnded(subject);
    await settle();
    expect([...vendor.vault]).toEqual([["token-of-another", "customer_2"]]);
    expect(deleted()).toBe(33);
    const { settled, summary } = await proofOf(id);
    expect(settled).toMatchObject({ state: "verified", outcome: "done", finding: "as-asked", affected: 33 });
    expect(summary).toMatchObject({ state: "fulfilled", retained: [] });
  });

  it("claims none that was gone already, though PayPal answers 204 to that as well", async () => {
    const { vendor, deleted, settle, paidServiceEnded, proofOf } = world();
    // Found at the first look, and taken out by the customer before the second one, right before the run.
    vendor.fault(/&page=1&/, () => {});
    vendor.fault(/&page=1&/, () => void vendor.vault.delete("token-1"));
    const id = await paidServiceEnded(subject);
    await settle();
    expect(deleted()).toBe(6);
    expect((await proofOf(id)).settled).toMatchObject({ state: "verified", affected: 6 });
  });

  it("forgets what was saved while it worked: looking again finds it", async () => {
    const { vendor, settle, paidServiceEnded, proofOf } = world(2);
    vendor.fault(/DELETE.*token-2/, () => void vendor.vault.set("token-3", customer));
    const id = await paidServiceEnded(subject);
    await settle();
    expect([...vendor.vault.keys()]).toEqual(["token-of-another"]);
    expect((await proofOf(id)).settled).toMatchObject({ state: "verified", affected: 3 });
  });

  it("has nothing to do a second time", async () => {
    const { deleted, settle, paidServiceEnded, proofOf } = world();
    await paidServiceEnded(subject);
    await settle();
    const again = await paidServiceEnded(subject);
    await settle();
    expect(deleted()).toBe(7);
    expect((await proofOf(again)).settled).toMatchObject({ state: "verified", outcome: "absent" });
  });

  it("has one effect where the answer was lost after it", async () => {
    const { vendor, deleted, settle, paidServiceEnded, proofOf } = world(1);
    vendor.fault(/DELETE/, "answer-lost");
    const id = await paidServiceEnded(subject);
    await settle();
    expect(deleted()).toBe(1);
    expect(vendor.vault.has("token-1")).toBe(false);
    expect((await proofOf(id)).settled).toMatchObject({ state: "verified", outcome: "done" });
  });

  it("believes no 204 while the token can be read, and says so when it stays", async () => {
    const { vendor, deleted, settle, paidServiceEnded, stepOf } = world(1);
    for (let call = 0; call < 100; call += 1) vendor.fault(/DELETE/, "lies");
    const id = await paidServiceEnded(subject);
    await settle();
    expect(deleted()).toBe(5);
    expect(vendor.vault.has("token-1")).toBe(true);
    expect(await stepOf(id)).toMatchObject({
      state: "failed",
      because: "not-verified",
      finding: "not-as-asked",
    });
  });

  it("believes no 404 but PayPal's own about the token", async () => {
    const { vendor, heed, paidServiceEnded, stepOf } = world(1);
    vendor.fault(/GET.*token-1$/, 404);
    const id = await paidServiceEnded(subject);
    await heed.work.drain();
    expect(await stepOf(id)).toMatchObject({ state: "failed", because: "rejected" });
  });
});
