import { Stripe } from "stripe";
import { describe, expect, it } from "vitest";
import { accountWithTurns, carryOut, emptyCustomer, forgetCall, forgetOf } from "../test/subject.ts";
import { stripeOnTheWire } from "../test/wire.ts";
import { stripeTokens } from "./stripe-tokens.ts";

const email = "anna@example.org";
/** A subject with one of everything that can be forgotten, cleared and looked for. */
function furnished() {
  const world = accountWithTurns({ searchLagMs: 0 });
  const { account } = world;
  const anna = account.add.customer({ email: "AnnA@example.org" });
  const card = account.add.paymentMethod(anna.id);
  account.add.source(anna.id);
  account.add.invoice(anna.id);
  account.add.dispute(account.add.charge(anna.id).id, { status: "won" });
  anna.invoice_settings.default_payment_method = card.id;
  account.before("POST /v1/payment_methods/{id}/detach", () => {
    account.add.subscription(anna.id, { default_payment_method: card.id, default_source: "card_left" });
    card.customer = null;
  });
  const keep = ["invoices", "charges", "customer"].map((category) => ({
    category,
    reason: "legal-obligation",
  }));
  return { world, call: forgetCall({ email, stripeCustomerId: "cus_nobody" }, { keep }) };
}

const sizes = (groups: ReadonlyMap<unknown, readonly unknown[]>) =>
  [...groups.values()].map((group) => group.length);

describe("every call", () => {
  const connect = stripeOnTheWire();

  it("takes one turn of the account and one of its endpoint, and no more", async () => {
    const { world, call } = furnished();
    const processor = connect(world.account);
    await carryOut(processor, world, call);
    await processor.check(world.context);
    expect(world.turns).toHaveLength(world.account.count());
    expect(world.turns.every(([first, ...others]) => first === "global" && others.length === 1)).toBe(true);
    const perEndpoint = Map.groupBy(world.account.calls, ({ endpoint }) => endpoint);
    const perBucket = Map.groupBy(world.turns, ([, bucket]) => bucket);
    expect(sizes(perBucket)).toEqual(sizes(perEndpoint));
  });

  it("is not made when the turn is refused, and the refusal ends the batch", async () => {
    const { world, call } = furnished();
    const lost = new Error("the lease is lost");
    const refusing = { ...world.context, turn: () => Promise.reject(lost) };
    const { resolve, guard, run, verify } = forgetOf(connect(world.account));
    const resolved = { ...call, targets: [{ kind: "customer", id: "cus_any" }] };
    for (const question of [resolve, guard, run, verify]) {
      await expect(question([resolved], refusing)).rejects.toBe(lost);
    }
    expect(world.account.count()).toBe(0);
  });

  it("that writes has a new idempotency key, so that a stored 500 is not given again", async () => {
    const world = accountWithTurns();
    const { account } = world;
    const { id } = account.add.customer({ email });
    account.add.paymentMethod(id);
    account.fault("POST /v1/payment_methods/{id}/detach", 500);
    const processor = connect(account);
    const first = await carryOut(processor, world, forgetCall({ email }));
    expect(first.outcome).toMatchObject({
      status: "failed",
      error: { name: "UnavailableError", status: 500 },
    });
    const second = await carryOut(processor, world, forgetCall({ email }));
    expect(second.outcome).toEqual({ status: "done", affected: 1 });
    const keys = account.writes().map(({ idempotencyKey }) => idempotencyKey);
    expect(new Set(keys).size).toBe(2);
    expect(keys.join()).not.toContain("anna");
  });

  it("has one effect when the connection breaks after it and the step is repeated", async () => {
    const world = accountWithTurns();
    const { account } = world;
    const { id } = account.add.customer({ email });
    const card = account.add.paymentMethod(id);
    account.fault("POST /v1/payment_methods/{id}/detach", "drop-after");
    const processor = connect(account);
    const first = await carryOut(processor, world, forgetCall({ email }));
    expect(first.outcome).toMatchObject({ status: "failed", error: { name: "UnavailableError" } });
    expect(card.customer).toBeNull();
    const second = await carryOut(processor, world, forgetCall({ email }));
    expect(second).toMatchObject({ outcome: { status: "done", affected: 0 }, finding: { seen: "as-asked" } });
    expect(account.writes()).toHaveLength(1);
  });

  it("of one subject that fails leaves the others of the batch alone", async () => {
    const world = accountWithTurns();
    const { account, context } = world;
    const calls = ["anna", "bo", "cia"].map((name) => {
      const { id } = account.add.customer({ email: `${name}@example.org` });
      account.add.paymentMethod(id);
      return forgetCall({ email: `${name}@example.org` }, { id: name, targets: [{ kind: "customer", id }] });
    });
    account.fault("POST /v1/payment_methods/{id}/detach", "rate-limit", { skip: 1 });
    const outcomes = await forgetOf(connect(account)).run(calls, context);
    const failed = [...outcomes].filter(([, { status }]) => status === "failed");
    expect(outcomes.size).toBe(3);
    expect(failed).toMatchObject([[expect.any(String), { error: { name: "RateLimitedError" } }]]);
    const left = [...account.state.paymentMethods.values()].filter(({ customer }) => customer !== null);
    expect(left).toHaveLength(1);
  });

  it("gives up on a list that says there is more and brings nothing new", async () => {
    const { context, turns } = accountWithTurns();
    const page = { object: "list", data: [emptyCustomer("cus_1", email)], has_more: true };
    const httpClient = Stripe.createFetchHttpClient(() => Promise.resolve(Response.json(page)));
    const client = new Stripe("sk_test_1", { httpClient, telemetry: false });
    const { resolve } = forgetOf(stripeTokens({ client, account: "acct_1" }));
    await expect(resolve([forgetCall({ email })], context)).rejects.toMatchObject({
      name: "UnavailableError",
    });
    expect(turns).toHaveLength(2);
  });
});
