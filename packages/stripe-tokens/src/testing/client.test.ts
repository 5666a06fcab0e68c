import { Stripe } from "stripe";
import { describe, expect, it } from "vitest";
import { stripeAccount } from "./stripe-account.ts";

const noRetry = { maxNetworkRetries: 0 };

describe("an account's client", () => {
  it("asks the account, in the mode of its key", async () => {
    const account = stripeAccount();
    const { id } = account.add.customer({ email: "anna+'räk@example.org" });
    const { data } = await account.client().customers.list({ email: "anna+'räk@example.org" });
    expect(data.map((customer) => customer.id)).toEqual([id]);
    const live = account.client(account.answer, account.liveKey);
    expect((await live.customers.list()).data).toEqual([]);
    expect(account.count("GET /v1/customers")).toBe(2);
  });

  it("rejects where the connection breaks, before or after the effect", async () => {
    const account = stripeAccount();
    const { id } = account.add.customer({ email: "anna@example.org" });
    const remove = () => account.client().customers.del(id, {}, noRetry);
    account.fault("*", "drop-before");
    await expect(remove()).rejects.toThrow(Stripe.errors.StripeConnectionError);
    expect(account.state.customers.get(id)).not.toMatchObject({ deleted: true });
    account.fault("*", "drop-after");
    await expect(remove()).rejects.toThrow(Stripe.errors.StripeConnectionError);
    expect(account.state.customers.get(id)).toMatchObject({ deleted: true });
  });

  it("hands its requests to whoever stands in between, and to nobody else", async () => {
    const account = stripeAccount();
    const asked: string[] = [];
    const client = account.client(async ({ method, url }) => {
      asked.push(`${method} ${url}`);
      return Response.json({ object: "list", data: [] });
    });
    await client.customers.list();
    expect(asked).toEqual(["GET https://api.stripe.com/v1/customers"]);
    expect(account.calls).toEqual([]);
  });
});
