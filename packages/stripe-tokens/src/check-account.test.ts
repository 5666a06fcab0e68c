import { describe, expect, it } from "vitest";
import { accountWithTurns, everythingOf } from "../test/subject.ts";
import { stripeOnTheWire } from "../test/wire.ts";
import { stripeTokens } from "./stripe-tokens.ts";

it("takes no option that it does not know: a misspelled one would leave spellings unsearched", () => {
  const given = { apiKey: "sk_test_1", account: "acct_1", searchSpelling: true };
  expect(() => stripeTokens(given)).toThrow(/Did you mean `searchSpellings`\?/);
});

describe("check", () => {
  const connect = stripeOnTheWire();

  it("says which account the key opens, whatever account was meant, and that nothing is lacking", async () => {
    const { account, context } = accountWithTurns({ id: "acct_another" });
    connect(account);
    const processor = stripeTokens({ apiKey: account.key, account: "acct_meant" });
    expect(processor.account).toBe("acct_meant");
    expect(await processor.check(context)).toEqual({ account: "acct_another", lacks: [], unknownTopics: [] });
  });

  it("changes nothing", async () => {
    const { account, context } = accountWithTurns();
    const anna = account.add.customer({ email: "anna@example.org" });
    account.add.paymentMethod(anna.id);
    account.add.source(anna.id);
    const before = everythingOf(account, anna.id);
    await connect(account).check(context);
    expect(everythingOf(account, anna.id)).toBe(before);
    expect(account.writes().map(({ status }) => status)).toEqual([404, 404, 404, 404]);
  });

  it.each([
    ["GET /v1/customers", "customers: read"],
    ["GET /v1/customers/search", "customers: search (or searchSpellings: false)"],
    ["POST /v1/customers/{id}", "customers: write"],
    ["GET /v1/payment_methods", "payment methods: read"],
    ["GET /v1/customers/{id}/payment_methods", "payment methods of a customer: read"],
    ["POST /v1/payment_methods/{id}/detach", "payment methods: write"],
    ["GET /v1/customers/{id}/sources", "sources: read"],
    ["DELETE /v1/customers/{customerId}/sources/{id}", "sources: write"],
    ["GET /v1/subscriptions", "subscriptions: read"],
    ["POST /v1/subscriptions/{id}", "subscriptions: write"],
    ["GET /v1/subscription_schedules", "subscription schedules: read"],
    ["GET /v1/invoices", "invoices: read"],
    ["GET /v1/charges", "charges: read"],
    ["GET /v1/disputes", "disputes: read"],
  ])("says what is lacking when %s is forbidden or unknown", async (endpoint, needs) => {
    for (const status of [403, 404]) {
      const { account, context } = accountWithTurns();
      account.fault(endpoint, status);
      const { lacks } = await connect(account).check(context);
      expect(lacks).toEqual([{ operation: "forgetTokens", needs }]);
    }
  });

  it("asks for no search where none is wanted", async () => {
    const { account, context } = accountWithTurns();
    account.fault("GET /v1/customers/search", 403);
    expect((await connect(account, { searchSpellings: false }).check(context)).lacks).toEqual([]);
  });

  it("does not take silence for a permission", async () => {
    const { account, context } = accountWithTurns();
    account.fault("GET /v1/disputes", 500);
    await expect(connect(account).check(context)).rejects.toMatchObject({
      name: "UnavailableError",
      operation: "check",
    });
  });

  it("throws when the key opens nothing", async () => {
    const { account, context } = accountWithTurns();
    connect(account);
    const processor = stripeTokens({ apiKey: "sk_test_revoked", account: account.id });
    await expect(processor.check(context)).rejects.toMatchObject({
      name: "RejectedError",
      status: 401,
    });
  });
});
