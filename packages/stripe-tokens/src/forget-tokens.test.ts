import { describe, expect, it } from "vitest";
import { accountWithEngine } from "../test/engine.ts";
import {
  accountWithTurns,
  carryOut,
  eraseCall,
  everythingOf,
  forgetCall,
  forgetOf,
  ownersIn,
} from "../test/subject.ts";
import { stripeOnTheWire } from "../test/wire.ts";

const email = "anna@example.org";

describe("forgetTokens", () => {
  const connect = stripeOnTheWire();

  it("leaves no credential of the subject, and nobody else's touched", async () => {
    const world = accountWithTurns();
    const { account } = world;
    const anna = account.add.customer({ email, name: "Anna" });
    account.add.paymentMethod(anna.id);
    account.add.paymentMethod(anna.id, { type: "sepa_debit" });
    account.add.paymentMethod(anna.id, { type: "custom" });
    account.add.source(anna.id);
    account.add.source(anna.id, { object: "bank_account" });
    account.add.invoice(anna.id);
    const bystander = account.add.customer({ email: "bo@example.org" });
    const card = account.add.paymentMethod(bystander.id);
    bystander.invoice_settings.default_payment_method = card.id;
    account.add.source(bystander.id);
    account.add.subscription(bystander.id, { default_payment_method: card.id });
    const before = everythingOf(account, bystander.id);

    const done = await carryOut(connect(account), world, forgetCall({ email }));

    expect(done).toMatchObject({ outcome: { status: "done", affected: 5 }, finding: { seen: "as-asked" } });
    expect(account.credentialsOf(anna.id)).toEqual([]);
    expect(everythingOf(account, bystander.id)).toBe(before);
    expect(account.search(email).map(({ object, customer }) => [object, customer])).toEqual([
      ["customer", anna.id],
      ["payment_method", null],
      ["payment_method", null],
      ["payment_method", null],
      ["invoice", anna.id],
    ]);
  });

  it("pages through more methods than Stripe lists at once", async () => {
    const world = accountWithTurns();
    const { account } = world;
    const { id } = account.add.customer({ email });
    for (let made = 0; made < 130; made += 1) account.add.paymentMethod(id);
    const done = await carryOut(connect(account), world, forgetCall({ email }));
    expect(done).toMatchObject({ outcome: { affected: 130 }, finding: { seen: "as-asked" } });
    expect(account.credentialsOf(id)).toEqual([]);
  });

  it("changes nothing the second time", async () => {
    const world = accountWithTurns();
    const { account } = world;
    const { id } = account.add.customer({ email });
    account.add.paymentMethod(id);
    account.add.source(id);
    const processor = connect(account);
    await carryOut(processor, world, forgetCall({ email }));
    const writes = account.writes().length;
    const again = await carryOut(processor, world, forgetCall({ email }));
    expect(again).toMatchObject({ outcome: { status: "done", affected: 0 }, finding: { seen: "as-asked" } });
    expect(writes).toBe(2);
    expect(account.writes()).toHaveLength(writes);
  });

  it("forgets the credentials of every customer of the subject", async () => {
    const world = accountWithTurns();
    const { account } = world;
    const first = account.add.customer({ email });
    const second = account.add.customer({ email });
    account.add.paymentMethod(first.id);
    account.add.paymentMethod(second.id);
    const done = await carryOut(connect(account), world, forgetCall({ email }));
    expect(ownersIn(done.targets)).toHaveLength(2);
    expect(account.credentialsOf(first.id)).toEqual([]);
    expect(account.credentialsOf(second.id)).toEqual([]);
  });

  it("says absent, and changes nothing, where there is no customer", async () => {
    const world = accountWithTurns();
    const { account } = world;
    account.add.paymentMethod(account.add.customer({ email: "bo@example.org" }).id);
    const done = await carryOut(connect(account), world, forgetCall({ email }));
    expect(done).toMatchObject({ targets: [], outcome: { status: "absent" } });
    expect(account.writes()).toEqual([]);
  });

  it.each([true, false])("leaves no default behind (dangling at Stripe: %s)", async (danglingDefaults) => {
    const world = accountWithTurns({ danglingDefaults });
    const { account, context } = world;
    const anna = account.add.customer({ email });
    const card = account.add.paymentMethod(anna.id);
    const source = account.add.source(anna.id);
    anna.invoice_settings.default_payment_method = card.id;
    const live = account.add.subscription(anna.id, {
      default_payment_method: card.id,
      default_source: source.id,
    });
    // It points to a source that is not there any more, as a subscription may.
    const stale = account.add.subscription(anna.id, { default_source: "card_gone" });
    const over = account.add.subscription(anna.id, { status: "canceled", default_payment_method: card.id });
    const { run, verify } = forgetOf(connect(account));
    const call = forgetCall({ email }, { targets: [{ kind: "customer", id: anna.id }] });

    // The guard would stop this; a subscription that began after it asked would not.
    await run([call], context);

    expect(anna).toMatchObject({ default_source: null, invoice_settings: { default_payment_method: null } });
    expect(live).toMatchObject({ default_source: null, default_payment_method: null });
    expect(stale.default_source).toBeNull();
    expect(over.default_payment_method).toBe(danglingDefaults ? card.id : null);
    expect(await verify([call], context)).toEqual(new Map([["call", { seen: "as-asked" }]]));
  });

  it.each([true, false])(
    "forgets legacy sources (shown among the methods: %s)",
    async (legacyAmongMethods) => {
      const world = accountWithTurns({ legacyAmongMethods });
      const { account } = world;
      const { id } = account.add.customer({ email });
      account.add.source(id);
      account.add.source(id, { object: "source" });
      const done = await carryOut(connect(account), world, forgetCall({ email }));
      expect(done).toMatchObject({ outcome: { affected: 2 }, finding: { seen: "as-asked" } });
      expect(account.credentialsOf(id)).toEqual([]);
    },
  );

  it("takes a card too that is attached while the others are let go: it is asked to run again", async () => {
    const { account, carryOut } = accountWithEngine();
    const { id } = account.add.customer({ email });
    account.add.paymentMethod(id);
    account.before("POST /v1/payment_methods/{id}/detach", () => void account.add.paymentMethod(id));
    expect(await carryOut("forgetTokens", { email })).toMatchObject({ state: "verified", affected: 2 });
    expect(account.credentialsOf(id)).toEqual([]);
  });

  it("gives up after five rounds, for a human to look, when a card is attached again and again", async () => {
    const { account, carryOut } = accountWithEngine();
    const { id } = account.add.customer({ email });
    account.add.paymentMethod(id);
    const attach = () => void account.add.paymentMethod(id);
    // The first one is the check's, of a payment method that does not exist.
    account.before("POST /v1/payment_methods/{id}/detach", attach, { times: 100, skip: 1 });
    const step = await carryOut("forgetTokens", { email });
    expect(step).toMatchObject({ state: "manual", because: "more-found", affected: 5 });
    expect(account.credentialsOf(id)).toHaveLength(1);
  });

  it.each([undefined, "payment_method_unexpected_state", "resource_missing"])(
    "counts what somebody else detached meanwhile as done (Stripe's code: %s)",
    async (detachedAgainCode) => {
      const world = accountWithTurns(detachedAgainCode === undefined ? {} : { detachedAgainCode });
      const { account } = world;
      const { id } = account.add.customer({ email });
      const card = account.add.paymentMethod(id);
      account.before("POST /v1/payment_methods/{id}/detach", () => {
        card.customer = null;
      });
      const done = await carryOut(connect(account), world, forgetCall({ email }));
      expect(done).toMatchObject({
        outcome: { status: "done", affected: 0 },
        finding: { seen: "as-asked" },
      });
      expect(account.count("GET /v1/payment_methods/{id}")).toBe(1);
    },
  );

  it("does not believe a refusal to detach while the card still hangs at the customer", async () => {
    const world = accountWithTurns();
    const { account } = world;
    const { id } = account.add.customer({ email });
    account.add.paymentMethod(id);
    account.fault("POST /v1/payment_methods/{id}/detach", 400);
    const done = await carryOut(connect(account), world, forgetCall({ email }));
    expect(done).toMatchObject({
      outcome: { status: "failed", error: { name: "RejectedError", status: 400 } },
      finding: { seen: "not-as-asked" },
    });
    expect(account.credentialsOf(id)).toHaveLength(1);
  });

  it("counts a source that somebody else deleted meanwhile as done, and no other refusal", async () => {
    const world = accountWithTurns();
    const { account } = world;
    const { id } = account.add.customer({ email });
    const gone = account.add.source(id);
    const endpoint = "DELETE /v1/customers/{customerId}/sources/{id}";
    account.before(endpoint, () => void account.state.sources.delete(gone.id));
    const processor = connect(account);
    const first = await carryOut(processor, world, forgetCall({ email }));
    expect(first.outcome).toEqual({ status: "done", affected: 0 });
    account.add.source(id);
    account.fault(endpoint, 400);
    const second = await carryOut(processor, world, forgetCall({ email }));
    expect(second.outcome).toMatchObject({ status: "failed" });
  });

  it("writes to one customer at a time, and to several customers at once", async () => {
    const world = accountWithTurns({ writesCollide: true });
    const { account, context } = world;
    const calls = ["a", "b", "c"].map((name) => {
      const customer = account.add.customer({ email: `${name}@example.org` });
      account.add.paymentMethod(customer.id);
      account.add.paymentMethod(customer.id);
      account.add.source(customer.id);
      const targets = [{ kind: "customer", id: customer.id }];
      return forgetCall({ email: `${name}@example.org` }, { id: name, targets });
    });
    const outcomes = await forgetOf(connect(account)).run(calls, context);
    expect([...outcomes.values()]).toEqual(calls.map(() => ({ status: "done", affected: 3 })));
    const inOrder = account.writes().map(({ path }) => path);
    expect(inOrder.slice(0, 3).every((path) => path.includes("/sources/"))).toBe(true);
  });

  it.each([
    { deletedListable: true, deletedKeepMethods: true },
    { deletedListable: true, deletedKeepMethods: false },
    { deletedListable: false, deletedKeepMethods: false },
  ])("lets go of what still hangs at a deleted customer (%j)", async (switches) => {
    const world = accountWithTurns(switches);
    const { account } = world;
    const { id } = account.add.customer({ email });
    account.add.paymentMethod(id);
    account.deleteCustomer(id);
    const done = await carryOut(connect(account), world, forgetCall({ stripeCustomerId: id }));
    expect(done).toMatchObject({ outcome: { status: "done" }, finding: { seen: "as-asked" } });
    expect(account.credentialsOf(id)).toEqual([]);
  });

  it.each([
    ["forgets", forgetCall({ email })],
    ["erases", eraseCall({ email })],
  ] as const)(
    "%s by the ids found before what a customer still has that is deleted meanwhile",
    async (_, call) => {
      const world = accountWithTurns({ deletedListable: false, deletedKeepMethods: true });
      const { account } = world;
      const { id } = account.add.customer({ email });
      const methods = [account.add.paymentMethod(id), account.add.paymentMethod(id)];
      // The last that the guard asks for; nobody lists what hangs there from then on.
      account.before("GET /v1/charges", () => account.deleteCustomer(id));
      const done = await carryOut(connect(account), world, call);
      expect(done).toMatchObject({ outcome: { status: "done", affected: 2 }, finding: { seen: "as-asked" } });
      expect(methods.map(({ customer }) => customer)).toEqual([null, null]);
    },
  );

  it.each([400, 404, "empty"] as const)(
    "is done with a customer that does not exist any more (lists answer %s)",
    async (unknownCustomer) => {
      const world = accountWithTurns({ unknownCustomer });
      const { account, context } = world;
      const call = forgetCall({ email }, { targets: [{ kind: "customer", id: "cus_long_gone" }] });
      const { guard, run, verify } = forgetOf(connect(account));
      expect(await guard([call], context)).toEqual(new Map([["call", { clear: true }]]));
      expect(await run([call], context)).toEqual(new Map([["call", { status: "done", affected: 0 }]]));
      expect(await verify([call], context)).toEqual(new Map([["call", { seen: "as-asked" }]]));
    },
  );
});
