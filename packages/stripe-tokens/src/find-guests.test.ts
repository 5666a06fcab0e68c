import { Stripe } from "stripe";
import { describe, expect, it } from "vitest";
import { accountWithTurns, carryOut, eitherWay, forgetCall, forgetOf } from "../test/subject.ts";
import { stripeOnTheWire } from "../test/wire.ts";
import { stripeTokens } from "./stripe-tokens.ts";

const email = "Anna@example.org";
const details = (address: string) => ({ name: "Anna", email: address });

describe("a guest", () => {
  const connect = stripeOnTheWire();

  it.each(eitherWay)(
    "who paid is found by the checkout, and what stays is said (%s)",
    async (_, switches) => {
      const world = accountWithTurns(switches);
      const { account } = world;
      const payment = account.add.paymentIntent(null, { status: "succeeded" });
      account.add.charge(null, { payment_intent: payment.id, billing_details: details("anna@example.org") });
      const session = account.add.checkoutSession(null, {
        status: "complete",
        payment_intent: payment.id,
        customer_details: details("anna@example.org"),
      });
      const before = JSON.stringify([payment, session]);
      const done = await carryOut(connect(account), world, forgetCall({ email }));
      expect(done.targets).toEqual([]);
      expect(done.outcome).toEqual({
        status: "done",
        affected: 0,
        retained: [{ category: "guest-payments", reason: "kept-by-processor" }],
      });
      expect(JSON.stringify([payment, session])).toBe(before);
      expect(account.writes()).toEqual([]);
    },
  );

  it("is kept as the policy says where it keeps charges", async () => {
    const world = accountWithTurns();
    world.account.add.checkoutSession(null, { status: "complete", customer_details: details(email) });
    const law = {
      category: "charges",
      reason: "legal-obligation",
      law: "SFS 1999:1078 7:2",
      until: "2033-12-31",
    };
    const done = await carryOut(connect(world.account), world, forgetCall({ email }, { keep: [law] }));
    expect(done.outcome).toMatchObject({ retained: [{ ...law, category: "guest-payments" }] });
  });

  it("is neither a customer's checkout nor somebody else's", async () => {
    const world = accountWithTurns({ sessionsIgnoreCase: true });
    const { account } = world;
    const { id } = account.add.customer({ email: "bo@example.org" });
    account.add.checkoutSession(id, { status: "complete", customer_details: details(email) });
    account.add.checkoutSession(null, { status: "complete", customer_details: details("bo@example.org") });
    const done = await carryOut(connect(account), world, forgetCall({ email }));
    expect(done.outcome).toEqual({ status: "absent" });
  });

  it("is not somebody else whom Stripe answers with under this address", async () => {
    const world = accountWithTurns();
    const customer_details = details("bo@example.org");
    const session = { id: "cs_1", created: 1, customer: null, customer_account: null, customer_details };
    const page = { object: "list", data: [session], has_more: false };
    const httpClient = Stripe.createFetchHttpClient(() => Promise.resolve(Response.json(page)));
    const client = new Stripe("sk_test_1", { httpClient, telemetry: false });
    const { run } = forgetOf(stripeTokens({ client, account: "acct_1" }));
    expect((await run([forgetCall({ email })], world.context)).get("call")).toEqual({ status: "absent" });
  });

  it("whose checkouts cannot be read is not absent", async () => {
    const world = accountWithTurns();
    world.account.fault("GET /v1/checkout/sessions", 403);
    const done = await carryOut(connect(world.account), world, forgetCall({ email }));
    expect(done.outcome).toMatchObject({ status: "failed", error: { name: "RejectedError", status: 403 } });
  });
});
