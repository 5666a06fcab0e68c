import { describe, expect, it } from "vitest";
import { accountWithEngine } from "../test/engine.ts";
import {
  type World,
  accountWithTurns,
  carryOut,
  eitherWay,
  eraseCall,
  eraseOf,
  everythingOf,
  forgetCall,
} from "../test/subject.ts";
import { stripeOnTheWire } from "../test/wire.ts";

const email = "anna@example.org";
const dayMs = 86_400_000;
const redacts = { redaction: true } as const;
const kept = (category: string) => ({ category, reason: "kept-by-processor" });

/** A customer with a card, a bank account, something open, a draft, a paid invoice and a charge. */
function furnished({ account: { add } }: Pick<World, "account">, of = email) {
  const customer = add.customer({ email: of, name: "Anna" });
  const { id } = customer;
  const card = add.paymentMethod(id);
  customer.invoice_settings.default_payment_method = card.id;
  add.source(id, { object: "bank_account" });
  const intent = add.setupIntent(id);
  const session = add.checkoutSession(id);
  const draft = add.invoice(id, { status: "draft" });
  const invoice = add.invoice(id);
  const charge = add.charge(id);
  return { id, customer, card, intent, session, draft, invoice, charge };
}

describe("erase", () => {
  const connect = stripeOnTheWire();

  it.each([
    ...eitherWay,
    ["methods stay at the deleted", { deletedKeepMethods: true, deletedListable: false }],
    ["methods go with the deleted", { deletedKeepMethods: false }],
  ] as const)("deletes the customer after letting go of everything (%s)", async (_, switches) => {
    const world = accountWithTurns(switches);
    const { account } = world;
    const anna = furnished(world);
    const bystander = furnished(world, "bo@example.org");
    const before = everythingOf(account, bystander.id);

    const done = await carryOut(connect(account), world, eraseCall({ email }));

    expect(done).toMatchObject({ outcome: { status: "done" }, finding: { seen: "as-asked" } });
    expect(anna.customer).toMatchObject({ deleted: true, email: null, name: null });
    expect(account.credentialsOf(anna.id)).toEqual([]);
    expect([anna.intent.status, anna.session.status]).toEqual(["canceled", "expired"]);
    expect(account.state.invoices.has(anna.draft.id)).toBe(false);
    expect(account.state.invoices.has(anna.invoice.id)).toBe(true);
    expect(everythingOf(account, bystander.id)).toBe(before);
    const order = account.writes().map(({ endpoint }) => endpoint);
    expect(order.at(-1)).toBe("DELETE /v1/customers/{id}");
  });

  it("says what Stripe keeps, with the reason, and never that it is deleted", async () => {
    const world = accountWithTurns();
    furnished(world);
    const done = await carryOut(connect(world.account), world, eraseCall({ email }));
    expect(done.outcome).toMatchObject({
      status: "done",
      retained: [kept("charges"), kept("invoices"), kept("payment-methods")],
    });
    expect(world.account.search(email).map(({ object }) => object)).toEqual([
      "payment_method",
      "invoice",
      "charge",
    ]);
  });

  it("says that what was forgotten before is kept, also where the customer is gone by then", async () => {
    const world = accountWithTurns();
    const { id } = world.account.add.customer({ email });
    const { id: card } = world.account.add.paymentMethod(id);
    const processor = connect(world.account);
    await carryOut(processor, world, forgetCall({ email }));
    const call = eraseCall({ email }, { tokensForgotten: true });
    for (const affected of [1, 0]) {
      const done = await carryOut(processor, world, call);
      expect(done.outcome).toEqual({ status: "done", affected, retained: [kept("payment-methods")] });
      expect(world.account.state.paymentMethods.get(card)).toMatchObject({ billing_details: { email } });
    }
  });

  it("says nothing is kept where nothing is", async () => {
    const world = accountWithTurns();
    world.account.add.customer({ email });
    const done = await carryOut(connect(world.account), world, eraseCall({ email }));
    expect(done.outcome).toEqual({ status: "done", affected: 1 });
    expect(world.account.search(email)).toEqual([]);
  });

  it("says it as the policy does where that keeps it", async () => {
    const world = accountWithTurns();
    furnished(world);
    const law = {
      category: "invoices",
      reason: "legal-obligation",
      law: "SFS 1999:1078 7:2",
      until: "2033-12-31",
    };
    const done = await carryOut(connect(world.account), world, eraseCall({ email }, { keep: [law] }));
    expect(done.outcome).toMatchObject({ retained: [kept("charges"), law, kept("payment-methods")] });
  });

  it("leaves the customer where the policy keeps more than what outlives it, without its credentials", async () => {
    const world = accountWithTurns(redacts);
    const { id, customer, draft, card } = furnished(world);
    draft.default_payment_method = card.id;
    const keep = ["invoices", "billing-profile"].map((category) => ({
      category,
      reason: "legal-obligation",
    }));
    const processor = connect(world.account, redacts);
    const done = await carryOut(processor, world, eraseCall({ email }, { keep }));
    expect(done).toMatchObject({ outcome: { status: "done" }, finding: { seen: "as-asked" } });
    const retained = done.outcome?.status === "done" ? done.outcome.retained : undefined;
    expect(retained).toEqual([kept("charges"), keep[0], kept("payment-methods"), keep[1]]);
    expect(customer).toMatchObject({ deleted: false, email });
    expect(world.account.credentialsOf(id)).toEqual([]);
    expect(draft).toMatchObject({ status: "draft", default_payment_method: null });
    expect(world.account.state.invoices.has(draft.id)).toBe(true);
    const writes = world.account.writes().length;
    await carryOut(processor, world, eraseCall({ email }, { keep }));
    expect(world.account.writes()).toHaveLength(writes);
  });

  it("of every customer, and changes nothing the second time", async () => {
    const world = accountWithTurns();
    const { account } = world;
    const ids = [furnished(world).id, furnished(world).id];
    const processor = connect(account);
    await carryOut(processor, world, eraseCall({ email }));
    for (const id of ids) expect(account.state.customers.get(id)?.deleted).toBe(true);
    const writes = account.writes().length;
    const byId = await carryOut(processor, world, eraseCall({ stripeCustomerId: ids }));
    expect(byId).toMatchObject({ outcome: { status: "done", affected: 0 }, finding: { seen: "as-asked" } });
    const byEmail = await carryOut(processor, world, eraseCall({ email }));
    expect(byEmail.outcome).toEqual({ status: "absent" });
    expect(account.writes()).toHaveLength(writes);
  });

  it.each([
    ["a subscription", "active-subscription", ({ add }, id) => void add.subscription(id)],
    ["a schedule", "scheduled-subscription", ({ add }, id) => void add.schedule(id)],
    ["an open invoice", "open-invoice", ({ add }, id) => void add.invoice(id, { status: "open" })],
    ["a dispute", "open-dispute", ({ add }, id) => void add.dispute(add.charge(id).id)],
  ] as const satisfies readonly (readonly [
    string,
    string,
    (account: World["account"], id: string) => void,
  ])[])("touches nothing while there is %s", async (_, blockedBy, bind) => {
    const world = accountWithTurns();
    const { id } = furnished(world);
    bind(world.account, id);
    const before = everythingOf(world.account, id);
    const done = await carryOut(connect(world.account), world, eraseCall({ email }));
    expect(done.blockedBy).toBe(blockedBy);
    expect(everythingOf(world.account, id)).toBe(before);
  });

  it("does not delete a customer at whom a method still hangs, whatever Stripe said", async () => {
    const world = accountWithTurns();
    const { id, customer } = furnished(world);
    world.account.fault("POST /v1/payment_methods/{id}/detach", "pretend");
    const done = await carryOut(connect(world.account), world, eraseCall({ email }));
    expect(done).toMatchObject({
      outcome: { status: "failed", error: { name: "UnavailableError" } },
      finding: { seen: "not-as-asked" },
    });
    expect(customer.deleted).toBe(false);
    expect(world.account.credentialsOf(id)).toHaveLength(1);
  });

  it("sees that the customer is still there although Stripe said that it is deleted", async () => {
    const world = accountWithTurns();
    const { customer } = furnished(world);
    world.account.fault("DELETE /v1/customers/{id}", "pretend");
    const done = await carryOut(connect(world.account), world, eraseCall({ email }));
    expect(done).toMatchObject({ outcome: { status: "done" }, finding: { seen: "not-as-asked" } });
    expect(customer.deleted).toBe(false);
  });

  it("counts a customer that somebody else deleted meanwhile as gone, and no other refusal", async () => {
    const world = accountWithTurns();
    const { id, customer } = furnished(world);
    world.account.before("DELETE /v1/customers/{id}", () => world.account.deleteCustomer(id));
    const done = await carryOut(connect(world.account), world, eraseCall({ email }));
    expect(done).toMatchObject({ outcome: { status: "done" }, finding: { seen: "as-asked" } });
    expect(customer.deleted).toBe(true);
    for (const status of [400, 403, 404]) {
      const other = accountWithTurns();
      furnished(other);
      other.account.fault("DELETE /v1/customers/{id}", status);
      const failed = await carryOut(connect(other.account), other, eraseCall({ email }));
      expect(failed.outcome).toMatchObject({ status: "failed", error: { status } });
    }
  });

  it("waits for a search that still finds the deleted, and for no other", async () => {
    const world = accountWithTurns({ searchLagMs: 30_000 });
    const { id } = furnished(world);
    world.clock.ms += 60_000;
    const processor = connect(world.account);
    const done = await carryOut(processor, world, eraseCall({ email }));
    expect(done.finding).toEqual({ seen: "not-yet", checkAfterMs: 60_000 });
    world.account.add.customer({ email: "Anna@example.org" });
    world.clock.ms += 60_000;
    const call = eraseCall({ email }, { targets: [{ kind: "customer", id }] });
    const later = await eraseOf(processor).verify([call], world.context);
    expect(later.get("call")).toEqual({ seen: "as-asked" });
  });

  it("ends in the engine as retained, and erases too who is added while it goes on", async () => {
    const { account, carryOut } = accountWithEngine({ searchLagMs: 30_000 });
    const anna = furnished({ account });
    let late: ReturnType<typeof furnished> | undefined;
    account.before("DELETE /v1/customers/{id}", () => (late = furnished({ account })));
    const step = await carryOut("erase", { email });
    expect(step).toMatchObject({ state: "retained", operation: "erase" });
    expect(anna.customer.deleted).toBe(true);
    expect(late?.customer.deleted).toBe(true);
    expect(account.credentialsOf(late?.id ?? "")).toEqual([]);
  });

  it("has one effect when the answer to the deletion is lost", async () => {
    const { account, carryOut } = accountWithEngine();
    const { customer } = furnished({ account });
    account.fault("DELETE /v1/customers/{id}", "drop-after");
    const step = await carryOut("erase", { email });
    expect(["verified", "retained"]).toContain(step.state);
    expect(customer.deleted).toBe(true);
    expect(account.count("DELETE /v1/customers/{id}")).toBe(1);
  });

  it("leaves a subscriber alone until the deadline, and says by what", async () => {
    const { account, carryOut } = accountWithEngine();
    const { id, customer } = furnished({ account });
    account.add.subscription(id);
    const step = await carryOut("erase", { email }, undefined, 10 * dayMs);
    expect(step).toMatchObject({ state: "due", because: "active-subscription" });
    expect(customer.deleted).toBe(false);
  });
});
