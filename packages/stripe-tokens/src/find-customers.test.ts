import { Stripe } from "stripe";
import { describe, expect, it } from "vitest";
import {
  accountWithTurns,
  carryOut,
  eitherWay,
  emptyCustomer,
  forgetCall,
  forgetOf,
} from "../test/subject.ts";
import { stripeOnTheWire } from "../test/wire.ts";
import { stripeTokens } from "./stripe-tokens.ts";

describe("resolve", () => {
  const connect = stripeOnTheWire();

  async function found(
    world: ReturnType<typeof accountWithTurns>,
    call: ReturnType<typeof forgetCall>,
    options: { live?: boolean; searchSpellings?: boolean } = {},
  ) {
    const answers = await forgetOf(connect(world.account, options)).resolve([call], world.context);
    return answers.get(call.id)?.targets;
  }

  it("finds a customer by its stored id and by each address, and says by which", async () => {
    const world = accountWithTurns();
    const byId = world.account.add.customer({ email: "old@example.org" });
    const byEmail = world.account.add.customer({ email: "anna@example.org" });
    world.account.add.customer({ email: "bo@example.org" });
    const named = { stripeCustomerId: byId.id, email: "anna@example.org" };
    expect(await found(world, forgetCall(named))).toEqual([
      { kind: "customer", id: byId.id, verified: true, via: { kind: "stripeCustomerId", value: byId.id } },
      {
        kind: "customer",
        id: byEmail.id,
        verified: true,
        via: { kind: "email", value: "anna@example.org" },
      },
    ]);
  });

  it.each(eitherWay)("keeps every credential beside its customer (%s)", async (_, switches) => {
    const world = accountWithTurns(switches);
    const { add } = world.account;
    const { id } = add.customer({ email: "anna@example.org" });
    const methods = ["card", "sepa_debit", "custom"].map((type) => add.paymentMethod(id, { type }).id);
    const sources = ["card", "bank_account", "source"].map((object) => add.source(id, { object }).id);
    add.paymentMethod(add.customer({ email: "bo@example.org" }).id);
    const targets = await found(world, forgetCall({ email: "anna@example.org" }));
    const kept = (targets ?? []).map(({ kind, id: each, within }) => `${kind} ${each} ${within}`);
    expect(kept.toSorted()).toEqual(
      [
        `customer ${id} undefined`,
        ...sources.map((each) => `source ${each} ${id}`),
        `payment-method ${methods[0]} ${id}`,
        `payment-method ${methods[1]} ${id}`,
        `custom-payment-method ${methods[2]} ${id}`,
      ].toSorted(),
    );
  });

  it("finds one customer once, however often it matches", async () => {
    const world = accountWithTurns();
    const { id } = world.account.add.customer({ email: "anna@example.org" });
    const named = { stripeCustomerId: id, email: ["anna@example.org", "Anna@example.org"] };
    expect((await found(world, forgetCall(named)))?.map((target) => target.id)).toEqual([id]);
  });

  it.each([
    ["as it is written", "Anna@example.org", "Anna@example.org"],
    ["in lower case", "Anna@example.org", "anna@example.org"],
    ["in any other case, by search", "anna@example.org", "AnnA@example.org"],
    ["with a quote and a backslash-like name", "o'brien+x@example.org", "O'Brien+x@example.org"],
  ])("finds an address %s", async (_, known, atStripe) => {
    const world = accountWithTurns();
    const { id } = world.account.add.customer({ email: atStripe });
    world.account.add.customer({ email: `x${atStripe}` });
    expect((await found(world, forgetCall({ email: known })))?.map((target) => target.id)).toEqual([id]);
  });

  it.each(["Anna@example.org", "anna@example.org"])(
    "finds %s without search, told Anna@",
    async (atStripe) => {
      const world = accountWithTurns();
      const { id } = world.account.add.customer({ email: atStripe });
      const call = forgetCall({ email: "Anna@example.org" });
      expect(await found(world, call, { searchSpellings: false })).toMatchObject([{ id }]);
    },
  );

  it("does not take a customer that Stripe answers with under another address", async () => {
    const { context } = accountWithTurns();
    const data = [emptyCustomer("cus_1", "bo@example.org")];
    const page = { object: "list", data, has_more: false };
    const httpClient = Stripe.createFetchHttpClient(() => Promise.resolve(Response.json(page)));
    const client = new Stripe("sk_test_1", { httpClient, telemetry: false });
    const processor = stripeTokens({ client, account: "acct_1", searchSpellings: false });
    const answers = await forgetOf(processor).resolve([forgetCall({ email: "anna@example.org" })], context);
    expect(answers.get("call")).toEqual({ targets: [] });
  });

  it("asks no search when told not to, and then knows only the spellings it was told", async () => {
    const world = accountWithTurns();
    world.account.add.customer({ email: "AnnA@example.org" });
    const call = forgetCall({ email: "anna@example.org" });
    expect(await found(world, call, { searchSpellings: false })).toEqual([]);
    expect(world.account.count("GET /v1/customers/search")).toBe(0);
  });

  it("does not take a customer that the search remembers under an address it no longer has", async () => {
    const world = accountWithTurns({ searchLagMs: 60_000 });
    const { account, clock } = world;
    const customer = account.add.customer({ email: "Anna@example.org" });
    clock.ms += 60_000;
    customer.email = "new-owner@example.org";
    const card = account.add.paymentMethod(customer.id);
    const done = await carryOut(connect(account), world, forgetCall({ email: "anna@example.org" }));
    expect(done.targets).toEqual([]);
    expect(account.count("GET /v1/customers/search")).toBe(1);
    expect(card.customer).toBe(customer.id);
  });

  it("finds another spelling once the search has caught up", async () => {
    const world = accountWithTurns({ searchLagMs: 60_000 });
    world.account.add.customer({ email: "AnnA@example.org" });
    const call = forgetCall({ email: "anna@example.org" });
    expect(await found(world, call)).toEqual([]);
    world.clock.ms += 60_000;
    expect(await found(world, call)).toHaveLength(1);
  });

  it("pages on until Stripe has no more", async () => {
    const world = accountWithTurns();
    for (let made = 0; made < 230; made += 1) world.account.add.customer({ email: "anna@example.org" });
    for (let made = 0; made < 230; made += 1) world.account.add.customer({ email: "ANNA@example.org" });
    expect(await found(world, forgetCall({ email: "anna@example.org" }))).toHaveLength(460);
  });

  it("finds nothing under an id that does not exist, or is of the other mode", async () => {
    const world = accountWithTurns();
    const live = world.account.add.customer({ email: "anna@example.org", livemode: true });
    const call = forgetCall({ stripeCustomerId: ["cus_nobody", live.id], email: "anna@example.org" });
    expect(await found(world, call)).toEqual([]);
    expect(await found(world, call, { live: true })).toHaveLength(1);
  });

  it("leaves a subject that cannot be read without an answer, and answers the others", async () => {
    const world = accountWithTurns();
    const { account } = world;
    const calls = ["anna", "bo", "cia"].map((id) => {
      account.add.customer({ email: `${id}@example.org` });
      return forgetCall({ email: `${id}@example.org` }, { id });
    });
    account.fault("GET /v1/customers", 500, { skip: 1 });
    const answers = await forgetOf(connect(account)).resolve(calls, world.context);
    expect([...answers.keys()].toSorted()).toEqual(["anna", "cia"]);
  });
});
