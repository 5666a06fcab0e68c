import { describe, expect, it } from "vitest";
import { openShop } from "./shop.ts";

const email = "anna@example.org";
const dayMs = 86_400_000;

/** A shop, and somebody whose card and source it charges. */
function shop() {
  const open = openShop();
  const { account } = open;
  const { id } = account.add.customer({ email, name: "Anna" });
  const card = account.add.paymentMethod(id);
  const source = account.add.source(id);
  return { ...open, customer: id, card, tokens: [id, card.id, source.id] };
}

describe("ASE-16: security tokens that allow to create charges and subscriptions", () => {
  it("name whom it is about, and are in no evidence and nowhere in the clear, before and after an erasure", async () => {
    const { heed, account, customer, tokens, settle, search, rows } = shop();
    const { id } = await heed.requests.open({
      right: "erasure",
      subject: { email, stripeCustomerId: customer },
      identity: "signed-in",
    });
    const held: string[] = [];
    account.before("POST /v1/payment_methods/{id}/detach", () => void held.push("asked"), { times: 99 });
    for (const token of tokens) expect(await search(token)).toEqual([]);
    await settle();
    expect((await heed.requests.get(id)).state).toMatch(/^(?:partially_)?fulfilled$/);
    expect(held.length).toBeGreaterThan(1);
    expect(account.credentialsOf(customer)).toEqual([]);
    const evidence = await rows("evidence");
    expect(evidence.length).toBeGreaterThan(0);
    for (const token of [...tokens, email]) {
      expect(JSON.stringify(evidence)).not.toContain(token);
      expect(await search(token)).toEqual([]);
    }
  });
});

describe("ASE-18: payment card data stored only as long as paid services are used", () => {
  const endOf = async (opened: ReturnType<typeof shop>, withinMs?: number) => {
    const { id } = await opened.heed.paidService.ended({ subject: { email } });
    await opened.settle(withinMs);
    const [step] = (await opened.heed.requests.get(id)).steps;
    return step;
  };

  it("lets go of every card when the last subscription has ended, reads it back, and leaves the invoices", async () => {
    const opened = shop();
    const { account, customer } = opened;
    account.add.subscription(customer, { status: "canceled" });
    const invoice = JSON.stringify(account.add.invoice(customer));
    expect(await endOf(opened)).toMatchObject({ state: "verified" });
    expect(account.credentialsOf(customer)).toEqual([]);
    expect(JSON.stringify([...account.state.invoices.values()][0])).toBe(invoice);
  });

  it("keeps them while another subscription is paid, and lets go when that has ended too", async () => {
    const opened = shop();
    const { account, customer, card } = opened;
    const other = account.add.subscription(customer, { default_payment_method: card.id });
    expect(await endOf(opened, 5 * dayMs)).toMatchObject({ state: "due", because: "active-subscription" });
    expect(account.credentialsOf(customer)).toHaveLength(2);
    other.status = "canceled";
    await opened.settle();
    const states = (await opened.rows("steps")).map(({ state }) => state);
    expect(states).toEqual(["verified"]);
    expect(account.credentialsOf(customer)).toEqual([]);
  });

  it("tries a failing detach again, and never says that it was done", async () => {
    const opened = shop();
    const { account, customer } = opened;
    const endpoint = "POST /v1/payment_methods/{id}/detach";
    account.fault(endpoint, 500, { times: Infinity, skip: 1 });
    expect((await endOf(opened, 10 * 60_000))?.state).toBe("due");
    expect(account.credentialsOf(customer)).toHaveLength(1);
    expect(account.count(endpoint)).toBeGreaterThan(3);
    account.heal();
    await opened.settle();
    expect((await opened.rows("steps")).map(({ state }) => state)).toEqual(["verified"]);
    expect(account.credentialsOf(customer)).toEqual([]);
  });
});
