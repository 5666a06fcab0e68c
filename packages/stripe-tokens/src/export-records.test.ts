import type { ExportedRecord } from "@heed/core/contract";
import { describe, expect, it } from "vitest";
import { type World, accountWithTurns, callOf, eitherWay, phasesOf } from "../test/subject.ts";
import { stripeOnTheWire } from "../test/wire.ts";

const email = "anna@example.org";

/** One of everything that Stripe lists of a customer. */
function furnished({ account: { add } }: World, of = email) {
  const { id } = add.customer({ email: of, name: "Anna" });
  add.paymentMethod(id);
  add.source(id);
  add.subscription(id, { status: "canceled" });
  add.schedule(id);
  add.invoice(id);
  add.setupIntent(id, { status: "succeeded" });
  add.paymentIntent(id, { status: "succeeded" });
  add.checkoutSession(id);
  add.dispute(add.charge(id).id);
  for (const object of [
    "invoiceitem",
    "credit_note",
    "quote",
    "promotion_code",
    "customer_balance_transaction",
    "tax_id",
  ]) {
    add.record(id, object, { note: `of ${of}` });
  }
  return id;
}

const everyCategory = [
  "balance-transactions",
  "charges",
  "checkout-sessions",
  "credit-notes",
  "customer",
  "disputes",
  "invoice-items",
  "invoices",
  "payment-intents",
  "payment-methods",
  "promotion-codes",
  "quotes",
  "setup-intents",
  "sources",
  "subscription-schedules",
  "subscriptions",
];

describe("export", () => {
  const connect = stripeOnTheWire();

  async function start(world: World, categories: readonly string[] | "all" = "all") {
    const { resolve, run } = phasesOf(connect(world.account), "export");
    const call = callOf("export", { categories }, { email });
    const targets = (await resolve([call], world.context)).get("call")?.targets ?? [];
    return (await run([{ ...call, targets }], world.context)).get("call");
  }

  async function exported(world: World, categories: readonly string[] | "all" = "all") {
    const outcome = await start(world, categories);
    const records: ExportedRecord[] = [];
    if (outcome?.status === "done") for await (const record of outcome.records) records.push(record);
    return records;
  }

  const categoriesOf = (records: readonly ExportedRecord[]) =>
    [...new Set(records.map(({ category }) => category))].toSorted();

  it.each(eitherWay)(
    "has everything that Stripe lists of the person, and nothing of another (%s)",
    async (_, switches) => {
      const world = accountWithTurns(switches);
      const id = furnished(world);
      furnished(world, "bo@example.org");
      const records = await exported(world);
      expect(categoriesOf(records)).toEqual(everyCategory);
      const text = JSON.stringify(records);
      for (const each of world.account.objectsOf(id)) expect(text).toContain(each.id);
      expect(text).toContain(email);
      expect(text).not.toContain("bo@example.org");
      expect(world.account.writes()).toEqual([]);
    },
  );

  it("masks what could make a payment and leaves out Stripe's own marks, at every depth", async () => {
    const world = accountWithTurns();
    furnished(world);
    const text = JSON.stringify(await exported(world));
    expect(text).toContain('"client_secret":"[masked]"');
    expect(text).not.toContain("secret_canary");
    expect(text).not.toMatch(/fingerprint|Xt5EWLLDS7FJjR1c|risk_|"outcome"/);
    expect(text).toContain('"last4":"4242"');
  });

  it("asks only for the lists that are wanted", async () => {
    const world = accountWithTurns();
    furnished(world);
    const records = await exported(world, ["invoices", "disputes"]);
    expect(categoriesOf(records)).toEqual(["disputes", "invoices"]);
    expect(world.account.count("GET /v1/quotes")).toBe(0);
    expect(world.account.count("GET /v1/payment_intents")).toBe(0);
  });

  it("asks for a page when it is read, with a turn of its own, and pages on", async () => {
    const world = accountWithTurns();
    const id = furnished(world);
    for (let made = 0; made < 130; made += 1) world.account.add.invoice(id);
    const outcome = await start(world, ["invoices"]);
    expect(world.account.count("GET /v1/invoices")).toBe(0);
    if (outcome?.status !== "done") throw new TypeError("nothing is exported");
    const askedAt: number[] = [];
    for await (const { category } of outcome.records) {
      if (category === "invoices") askedAt.push(world.account.count("GET /v1/invoices"));
    }
    expect([askedAt.length, askedAt[0], askedAt[99], askedAt[100]]).toEqual([131, 1, 1, 2]);
    expect(world.account.count("GET /v1/invoices")).toBe(2);
    expect(world.turns).toHaveLength(world.account.count());
  });

  it("has what the person paid as a guest, with the card that it was charged to", async () => {
    const world = accountWithTurns();
    const { add } = world.account;
    const charge = add.charge(null, { billing_details: { name: "Anna", email } });
    const payment = add.paymentIntent(null, { status: "succeeded", latest_charge: charge.id });
    add.checkoutSession(null, {
      status: "complete",
      payment_intent: payment.id,
      customer_details: { name: "Anna", email },
    });
    const records = await exported(world);
    expect(categoriesOf(records)).toEqual(["guest-checkouts"]);
    expect(JSON.stringify(records)).toContain(charge.id);
  });

  it("is absent where there is nothing", async () => {
    const world = accountWithTurns();
    furnished(world, "bo@example.org");
    expect(await start(world)).toEqual({ status: "absent" });
  });

  it("ends with an error, and never as if it were whole, when a list cannot be read", async () => {
    for (const fault of [403, 500, "garbage", "wrong-shape", "drop-before"] as const) {
      const world = accountWithTurns();
      furnished(world);
      world.account.fault("GET /v1/quotes", fault);
      await expect(exported(world)).rejects.toMatchObject({ operation: "export" });
    }
  });

  it("does not end early when a list changes while it is read", async () => {
    const world = accountWithTurns();
    const id = furnished(world);
    const made = Array.from({ length: 130 }, () => world.account.add.invoice(id).id);
    const lastOfFirstPage = made.at(-100) ?? "";
    const take = () => void world.account.state.invoices.delete(lastOfFirstPage);
    world.account.before("GET /v1/invoices", take, { skip: 1 });
    await expect(exported(world, ["invoices"])).rejects.toMatchObject({ name: "UnavailableError" });
  });
});
