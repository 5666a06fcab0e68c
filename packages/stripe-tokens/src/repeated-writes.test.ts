import { setupServer } from "msw/node";
import { Stripe } from "stripe";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { accountWithEngine } from "../test/engine.ts";
import { type World, accountWithTurns, callOf, eraseCall, forgetCall, phasesOf } from "../test/subject.ts";
import { stripeTokens } from "./stripe-tokens.ts";

const email = "anna@example.org";
const redacts = { redaction: true } as const;

type Furnish = (world: World, customer: string) => void;

/** Every write that takes a key, what it needs to be made, and by which operation it is. */
const writes: readonly (readonly [endpoint: string, by: "forget" | "end" | "erase" | "rectify", Furnish])[] =
  [
    [
      "POST /v1/payment_methods/{id}/detach",
      "forget",
      ({ account }, id) => void account.add.paymentMethod(id),
    ],
    ["POST /v1/setup_intents/{id}/cancel", "forget", ({ account }, id) => void account.add.setupIntent(id)],
    [
      "POST /v1/payment_intents/{id}/cancel",
      "forget",
      ({ account }, id) => void account.add.paymentIntent(id),
    ],
    [
      "POST /v1/checkout/sessions/{id}/expire",
      "forget",
      ({ account }, id) => void account.add.checkoutSession(id),
    ],
    [
      "POST /v1/invoices/{id}",
      "forget",
      ({ account }, id) => void account.add.invoice(id, { status: "draft", default_payment_method: "pm_1" }),
    ],
    ["POST /v1/subscriptions/{id}", "end", ({ account }, id) => void account.add.subscription(id)],
    [
      "POST /v1/subscription_schedules/{id}/release",
      "end",
      ({ account }, id) => void account.add.schedule(id),
    ],
    [
      "POST /v1/privacy/redaction_jobs",
      "erase",
      ({ account }, id) => void account.add.charge(id, { created: 1_700_000_000 }),
    ],
    ["POST /v1/customers/{id}", "rectify", () => {}],
  ];

describe("a write that failed with a 500 and is repeated", () => {
  const server = setupServer();
  beforeAll(() => server.listen({ onUnhandledFrame: "error" }));
  afterEach(() => server.resetHandlers());
  afterAll(() => server.close());

  function furnished(furnish: Furnish) {
    const world = accountWithTurns({ ...redacts });
    const { id } = world.account.add.customer({ email, name: "Ana" });
    furnish(world, id);
    server.use(...world.account.handlers());
    const targets = [{ kind: "customer", id }];
    const processor = stripeTokens({ apiKey: world.account.key, account: world.account.id, ...redacts });
    const by = {
      forget: async () =>
        phasesOf(processor, "forgetTokens").run([forgetCall({ email }, { targets })], world.context),
      end: async () =>
        phasesOf(processor, "forgetTokens").run(
          [forgetCall({ email }, { targets, endsPaidService: "allowed" })],
          world.context,
        ),
      erase: async () => phasesOf(processor, "erase").run([eraseCall({ email }, { targets })], world.context),
      rectify: async () =>
        phasesOf(processor, "rectify").run(
          [callOf("rectify", { changes: { name: "Anna" } }, { email }, { targets })],
          world.context,
        ),
    };
    return { world, by };
  }

  it.each(writes)("is a new request to Stripe: %s", async (endpoint, operation, furnish) => {
    const { world, by } = furnished(furnish);
    const { account } = world;
    account.fault(endpoint, 500);
    const run = async () => (await by[operation]()).get("call");
    expect(await run()).toMatchObject({ status: "failed", error: { name: "UnavailableError", status: 500 } });
    expect((await run())?.status).not.toBe("failed");
    const sent = account.writes().filter((call) => call.endpoint === endpoint);
    expect(sent.map(({ status }) => status)).toEqual([500, 200]);
    expect(new Set(sent.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(2);
    expect(sent.every(({ idempotencyKey }) => idempotencyKey !== undefined)).toBe(true);
    expect(JSON.stringify(sent.map(({ idempotencyKey }) => idempotencyKey))).not.toContain("anna");
  });

  it("would get the stored 500 again, for a day, if it had one key", async () => {
    const { world } = furnished(({ account }, id) => void account.add.paymentMethod(id));
    const [card] = world.account.state.paymentMethods.values();
    world.account.fault("POST /v1/payment_methods/{id}/detach", 500);
    const client = new Stripe(world.account.key, { maxNetworkRetries: 0, telemetry: false });
    const detach = () => client.paymentMethods.detach(card?.id ?? "", {}, { idempotencyKey: "step-4711" });
    for (let asked = 0; asked < 3; asked += 1) {
      await expect(detach()).rejects.toMatchObject({ statusCode: 500 });
      world.clock.ms += 3_600_000;
    }
    expect(card?.customer).not.toBeNull();
  });

  it("is done by the engine all the same", async () => {
    const { account, carryOut } = accountWithEngine();
    const { id } = account.add.customer({ email });
    account.add.paymentMethod(id);
    // The first one is the check's.
    account.fault("POST /v1/payment_methods/{id}/detach", 500, { skip: 1, times: 3 });
    expect(await carryOut("forgetTokens", { email })).toMatchObject({ state: "verified" });
    expect(account.credentialsOf(id)).toEqual([]);
  });

  it("is done by the engine when Stripe had locked the customer", async () => {
    const { account, carryOut } = accountWithEngine();
    const { id } = account.add.customer({ email });
    account.add.paymentMethod(id);
    account.fault("POST /v1/payment_methods/{id}/detach", "lock-timeout", { skip: 1, times: 2 });
    expect(await carryOut("forgetTokens", { email })).toMatchObject({ state: "verified", affected: 1 });
    expect(account.credentialsOf(id)).toEqual([]);
  });
});
