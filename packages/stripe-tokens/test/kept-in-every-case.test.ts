import { definePolicy, keyring, newKey } from "@heed/core";
import { createTestHeed } from "@heed/testing";
import { describe, expect, it } from "vitest";
import { accountWithEngine } from "./engine.ts";

const email = "canary.anna@example.org";
const policy = definePolicy({
  controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
  recipients: {
    payments: {
      role: "processor",
      country: "US",
      transferTool: "scc",
      keeps: [{ category: "invoices", reason: "legal-obligation", law: "SFS 1999:1078 7:2", years: 7 }],
    },
  },
  purposes: {},
  topics: {},
});

/** An erasure of somebody with a card, an invoice and a payment; one answer of Stripe's never arrives. */
async function erased(lost?: number, cards = 1) {
  const { account, clock, processor } = accountWithEngine();
  const keys = keyring(newKey());
  const test = createTestHeed({ policy, clock, keys, processors: { payments: processor } });
  const { id: customer } = account.add.customer({ email });
  const methods = Array.from({ length: cards }, () => account.add.paymentMethod(customer));
  account.add.invoice(customer);
  account.add.charge(customer);
  if (lost !== undefined) account.fault("*", "drop-after", { skip: lost });
  const { id } = await test.heed.requests.open({
    right: "erasure",
    subject: { email },
    identity: "signed-in",
  });
  await test.settle();
  const { summary } = await test.heed.requests.receipt(id);
  const what = summary.retained.map(({ category, reason }) => `${category}: ${reason}`);
  // What comes before is the check's, and reading.
  const first = account.calls.findIndex(({ method, status }) => method !== "GET" && status === 200);
  return {
    account,
    customer,
    methods,
    first,
    calls: account.calls.length,
    what: [...new Set(what)].toSorted(),
    summary,
  };
}

describe("what Stripe keeps", () => {
  it("is in the receipt of an erasure, whichever of Stripe's answers was lost", async () => {
    const { calls, what, first } = await erased();
    expect(what).toEqual([
      "charges: kept-by-processor",
      "invoices: legal-obligation",
      "payment-methods: kept-by-processor",
    ]);
    for (let lost = first; lost < calls; lost += 1) {
      const one = await erased(lost);
      expect([lost, one.what]).toEqual([lost, what]);
      expect(one.summary.state).toBe("partially-fulfilled");
      expect(one.account.state.customers.get(one.customer)).toMatchObject({ deleted: true });
      expect(one.account.credentialsOf(one.customer)).toEqual([]);
    }
  }, 60_000);

  it("is also the card that was forgotten on the way, which nobody lists any more, and none where there was none", async () => {
    const { account, methods, what } = await erased();
    expect(account.search(email).map(({ object }) => object)).toContain("payment_method");
    expect(methods).toMatchObject([{ customer: null, billing_details: { email } }]);
    expect(what).toContain("payment-methods: kept-by-processor");
    const without = await erased(undefined, 0);
    expect(without.account.search(email).map(({ object }) => object)).not.toContain("payment_method");
    expect(without.what).toEqual(["charges: kept-by-processor", "invoices: legal-obligation"]);
  });
});
