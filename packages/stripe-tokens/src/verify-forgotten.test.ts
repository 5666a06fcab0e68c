import type { Target } from "@heed/core/contract";
import { describe, expect, it } from "vitest";
import { type World, accountWithTurns, carryOut, forgetCall, forgetOf } from "../test/subject.ts";
import { stripeOnTheWire } from "../test/wire.ts";

const email = "anna@example.org";

describe("verify", () => {
  const connect = stripeOnTheWire();

  async function seen({ account, context }: World, customer: string, known: readonly Target[] = []) {
    const call = forgetCall({ email }, { targets: [{ kind: "customer", id: customer }, ...known] });
    return (await forgetOf(connect(account)).verify([call], context)).get("call");
  }

  it("sees that the card is kept although Stripe answered 200", async () => {
    const world = accountWithTurns();
    const { account } = world;
    const { id } = account.add.customer({ email });
    account.add.paymentMethod(id);
    account.fault("POST /v1/payment_methods/{id}/detach", "pretend", { times: 3 });
    const done = await carryOut(connect(account), world, forgetCall({ email }));
    expect(account.credentialsOf(id)).toHaveLength(1);
    expect(done.finding).toEqual({ seen: "not-as-asked" });
  });

  it("sees that a source is kept although Stripe answered 200", async () => {
    const world = accountWithTurns({ legacyAmongMethods: false });
    const { account } = world;
    const customer = account.add.customer({ email });
    const { id } = customer;
    account.add.source(id);
    customer.default_source = null;
    account.fault("DELETE /v1/customers/{customerId}/sources/{id}", "pretend", { times: 3 });
    const done = await carryOut(connect(account), world, forgetCall({ email }));
    expect(account.credentialsOf(id)).toHaveLength(1);
    expect(done.finding).toEqual({ seen: "not-as-asked" });
  });

  it("sees a card that was attached between the run and the read-back, and again after the next run", async () => {
    const world = accountWithTurns();
    const { account } = world;
    const { id } = account.add.customer({ email });
    account.add.paymentMethod(id);
    account.before("GET /v1/payment_methods", () => void account.add.paymentMethod(id));
    const processor = connect(account);
    const first = await carryOut(processor, world, forgetCall({ email }));
    expect(first).toMatchObject({ outcome: { status: "done" }, finding: { seen: "not-as-asked" } });
    const second = await carryOut(processor, world, forgetCall({ email }));
    expect(second).toMatchObject({ outcome: { affected: 1 }, finding: { seen: "as-asked" } });
    expect(account.credentialsOf(id)).toEqual([]);
  });

  it.each(["card", "sepa_debit", "link"])("sees a payment method of type %s", async (type) => {
    const world = accountWithTurns();
    const { id } = world.account.add.customer({ email });
    world.account.add.paymentMethod(id, { type });
    expect(await seen(world, id)).toEqual({ seen: "not-as-asked" });
  });

  it("sees one of type custom, which only its own list shows, where one was found before", async () => {
    const world = accountWithTurns();
    const { id } = world.account.add.customer({ email });
    const custom = world.account.add.paymentMethod(id, { type: "custom" });
    const known = [{ kind: "custom-payment-method", id: custom.id, within: id }];
    expect(await seen(world, id, known)).toEqual({ seen: "not-as-asked" });
    custom.customer = null;
    expect(await seen(world, id, known)).toEqual({ seen: "as-asked" });
  });

  it("reads by the other list: it does not use the one that the methods were found by", async () => {
    const world = accountWithTurns();
    const { id } = world.account.add.customer({ email });
    expect(await seen(world, id)).toEqual({ seen: "as-asked" });
    expect(world.account.count("GET /v1/payment_methods")).toBe(1);
    expect(world.account.count("GET /v1/customers/{id}/payment_methods")).toBe(0);
    expect(world.account.count("GET /v1/customers/{id}/sources")).toBe(0);
  });

  it.each([
    [
      "the customer",
      (world: World, id: string) => {
        const customer = world.account.state.customers.get(id);
        if (customer) customer.invoice_settings.default_payment_method = "pm_left";
      },
    ],
    [
      "the customer's source",
      (world: World, id: string) => {
        const customer = world.account.state.customers.get(id);
        if (customer) customer.default_source = "card_left";
      },
    ],
    [
      "a subscription",
      (world: World, id: string) => {
        world.account.add.subscription(id, { default_payment_method: "pm_left" });
      },
    ],
    [
      "a subscription's source",
      (world: World, id: string) => {
        world.account.add.subscription(id, { default_source: "card_left" });
      },
    ],
  ])("sees a default that is left at %s", async (_, leave) => {
    const world = accountWithTurns();
    const { id } = world.account.add.customer({ email });
    leave(world, id);
    expect(await seen(world, id)).toEqual({ seen: "not-as-asked" });
  });

  it("looks at every customer", async () => {
    const world = accountWithTurns();
    const { account, context } = world;
    const clean = account.add.customer({ email });
    const left = account.add.customer({ email });
    account.add.paymentMethod(left.id);
    const targets = [clean, left].map(({ id }) => ({ kind: "customer", id }));
    const findings = await forgetOf(connect(account)).verify([forgetCall({ email }, { targets })], context);
    expect(findings.get("call")).toEqual({ seen: "not-as-asked" });
  });

  it.each(["GET /v1/payment_methods", "GET /v1/customers/{id}", "GET /v1/subscriptions"])(
    "has no finding when %s cannot be read",
    async (endpoint) => {
      const world = accountWithTurns({ subListSize: 1 });
      const { id } = world.account.add.customer({ email });
      for (const status of ["active", "trialing"]) world.account.add.subscription(id, { status });
      for (const fault of [500, "garbage", "wrong-shape", "drop-before"] as const) {
        world.account.fault(endpoint, fault);
        await expect(seen(world, id)).rejects.toMatchObject({ name: "UnavailableError" });
      }
    },
  );
});
