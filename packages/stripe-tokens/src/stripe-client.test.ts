import { Stripe } from "stripe";
import { describe, expect, it } from "vitest";
import { accountWithTurns, carryOut, forgetCall, forgetOf } from "../test/subject.ts";
import { stripeOnTheWire } from "../test/wire.ts";
import { stripeTokens } from "./stripe-tokens.ts";

const email = "anna@example.org";
// Put together here, so that no scanner takes it for a real one.
const liveKeys = ["sk", "rk"].map((kind) => `${kind}_live_canary`);

describe("stripeTokens", () => {
  const connect = stripeOnTheWire();

  it.each(liveKeys)("refuses a live key unless live mode is asked for, and does not quote it", (apiKey) => {
    const make = () => stripeTokens({ apiKey, account: "acct_1" });
    expect(make).toThrow(TypeError);
    expect(make).toThrow(/live: true/);
    expect(make).not.toThrow(/canary/);
    expect(stripeTokens({ apiKey, account: "acct_1", live: true }).limits.global.calls).toBe(100);
  });

  it("refuses what contradicts itself", () => {
    const apiKey = "sk_test_1";
    expect(() => stripeTokens({ apiKey, account: "acct_1", live: true })).toThrow(TypeError);
    expect(() => stripeTokens({ apiKey: "pk_test_1", account: "acct_1" })).toThrow(TypeError);
    expect(() => stripeTokens({ apiKey, account: "cus_1" })).toThrow(TypeError);
    expect(() => stripeTokens({ apiKey, account: "acct_1", settlingMs: Number.NaN })).toThrow(TypeError);
    expect(() => stripeTokens({ apiKey, account: "acct_1", baseUrl: "ftp://stripe" })).toThrow(TypeError);
    // @ts-expect-error neither a client nor a key
    expect(() => stripeTokens({ account: "acct_1" })).toThrow(TypeError);
    // @ts-expect-error both
    expect(() => stripeTokens({ apiKey, client: new Stripe(apiKey), account: "acct_1" })).toThrow(TypeError);
  });

  it("does not let the application's client repeat a call", async () => {
    const { account, context } = accountWithTurns();
    connect(account);
    const client = new Stripe(account.key, { maxNetworkRetries: 5, telemetry: false });
    account.fault("GET /v1/customers", 500, { times: 9 });
    const { resolve } = forgetOf(stripeTokens({ client, account: account.id }));
    await expect(resolve([forgetCall({ email })], context)).rejects.toMatchObject({ status: 500 });
    expect(account.count()).toBe(1);
  });

  it("stops at the first customer of live mode when the application's client opens it unasked", async () => {
    const world = accountWithTurns();
    const { account } = world;
    const anna = account.add.customer({ email, livemode: true });
    account.add.paymentMethod(anna.id);
    connect(account);
    const client = new Stripe(account.liveKey, { telemetry: false });
    const unasked = stripeTokens({ client, account: account.id });
    const lacks = ["forgetTokens", "erase", "export", "rectify", "observe"].map((operation) => ({
      operation,
      needs: "a key of test mode, or live: true",
    }));
    expect(await unasked.check(world.context)).toMatchObject({ lacks });
    for (const named of [{ email }, { stripeCustomerId: anna.id }]) {
      await expect(carryOut(unasked, world, forgetCall(named))).rejects.toMatchObject({
        name: "RejectedError",
        message: expect.stringContaining("Pass live: true"),
      });
    }
    expect(account.credentialsOf(anna.id)).toHaveLength(1);

    const meant = stripeTokens({ client, account: account.id, live: true });
    const done = await carryOut(meant, world, forgetCall({ email }));
    expect(done).toMatchObject({ outcome: { affected: 1 }, finding: { seen: "as-asked" } });
  });

  it("sends no telemetry", async () => {
    const { account, context } = accountWithTurns();
    const headers: string[] = [];
    const processor = connect(account);
    const sent = globalThis.fetch;
    globalThis.fetch = (input, init) => {
      headers.push(...new Headers(init?.headers).keys());
      return sent(input, init);
    };
    try {
      await processor.check(context);
    } finally {
      globalThis.fetch = sent;
    }
    expect(headers).toContain("authorization");
    expect(headers).not.toContain("x-stripe-client-telemetry");
  });
});
