import { describe, expect, it } from "vitest";
import { companyWith } from "./company.ts";
import { square } from "./square.ts";
import { squareAccount } from "./square-account.ts";

const customer = "VDKXEEKPJN48QDG3BGGFAK05P8";
const subject = { squareCustomerId: customer };
const access = { accessToken: "EAAA", merchantId: "6SSW7HV8K2ST5" } as const;
const kept = { category: "disabled-cards", reason: "processor-only-disables" };

/** Somebody with more cards than one page shows, and somebody else. */
function world(count = 30) {
  const vendor = squareAccount(access.accessToken, access.merchantId);
  for (let number = 1; number <= count; number += 1)
    vendor.cards.set(`ccof-${number}`, { customer, enabled: true });
  vendor.cards.set("ccof-of-another", { customer: "ANOTHER", enabled: true });
  const enabled = () => [...vendor.cards].filter(([, card]) => card.enabled).map(([id]) => id);
  const disables = () => vendor.asked.filter((call) => call.startsWith("POST")).length;
  return { vendor, enabled, disables, ...companyWith(square({ ...access, fetch: vendor.fetch })) };
}

describe("forgetting at Square", () => {
  it("disables every card, over all pages, and says that the cards are still there", async () => {
    const { vendor, enabled, settle, paidServiceEnded, proofOf } = world();
    const id = await paidServiceEnded(subject);
    await settle();
    expect(enabled()).toEqual(["ccof-of-another"]);
    expect(vendor.cards.size).toBe(31);
    const { settled, summary } = await proofOf(id);
    expect(settled).toMatchObject({
      state: "retained",
      outcome: "done",
      finding: "as-asked",
      affected: 30,
      retained: [kept],
    });
    expect(summary).toMatchObject({
      state: "partially-fulfilled",
      retained: [{ processor: "pay", ...kept }],
    });
  });

  it("has nothing to do a second time, and does not say that nothing is there", async () => {
    const { disables, settle, paidServiceEnded, proofOf } = world();
    await paidServiceEnded(subject);
    await settle();
    const again = await paidServiceEnded(subject);
    await settle();
    expect(disables()).toBe(30);
    expect((await proofOf(again)).settled).toMatchObject({
      state: "retained",
      outcome: "done",
      affected: 0,
      retained: [kept],
    });
  });

  it("finds nobody where no card was ever on file", async () => {
    const { settle, paidServiceEnded, proofOf } = world(0);
    const id = await paidServiceEnded(subject);
    await settle();
    const { settled, summary } = await proofOf(id);
    expect(settled).toMatchObject({ state: "verified", outcome: "absent" });
    expect(summary.retained).toEqual([]);
  });

  it("disables a card that was put on file while it worked", async () => {
    const { vendor, enabled, settle, paidServiceEnded, proofOf } = world(1);
    vendor.fault(/POST/, () => void vendor.cards.set("ccof-2", { customer, enabled: true }));
    const id = await paidServiceEnded(subject);
    await settle();
    expect(enabled()).toEqual(["ccof-of-another"]);
    expect((await proofOf(id)).settled).toMatchObject({ state: "retained", affected: 2, retained: [kept] });
  });
});
