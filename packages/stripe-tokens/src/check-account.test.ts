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
    expect(new Set(account.writes().map(({ status }) => status))).toEqual(new Set([404]));
    expect(account.writes()).toHaveLength(9);
  });

  const all = ["forgetTokens", "erase", "export", "rectify"];
  const reading = ["forgetTokens", "erase", "export"];
  const forgetting = ["forgetTokens", "erase"];
  it.each([
    ["GET /v1/customers", "customers: read", [...all, "observe"]],
    ["GET /v1/customers/search", "customers: search (or searchSpellings: false)", [...all, "observe"]],
    ["POST /v1/customers/{id}", "customers: write", [...forgetting, "rectify"]],
    ["GET /v1/payment_methods", "payment methods: read", reading],
    ["GET /v1/customers/{id}/payment_methods", "payment methods of a customer: read", forgetting],
    ["POST /v1/payment_methods/{id}/detach", "payment methods: write", forgetting],
    ["GET /v1/customers/{id}/sources", "sources: read", [...all, "observe"]],
    ["DELETE /v1/customers/{customerId}/sources/{id}", "sources: write", forgetting],
    ["GET /v1/setup_intents", "setup intents: read", reading],
    ["POST /v1/setup_intents/{id}/cancel", "setup intents: write", forgetting],
    ["GET /v1/payment_intents", "payment intents: read", reading],
    ["POST /v1/payment_intents/{id}/cancel", "payment intents: write", forgetting],
    ["GET /v1/checkout/sessions", "checkout sessions: read", reading],
    ["POST /v1/checkout/sessions/{id}/expire", "checkout sessions: write", forgetting],
    ["GET /v1/subscriptions", "subscriptions: read", reading],
    ["POST /v1/subscriptions/{id}", "subscriptions: write", forgetting],
    ["GET /v1/subscription_schedules", "subscription schedules: read", reading],
    ["GET /v1/invoices", "invoices: read", all],
    ["DELETE /v1/invoices/{id}", "invoices: write", forgetting],
    ["GET /v1/charges", "charges: read", reading],
    ["GET /v1/disputes", "disputes: read", reading],
    ["GET /v1/invoiceitems", "invoice items: read", ["export"]],
    ["GET /v1/credit_notes", "credit notes: read", ["export"]],
    ["GET /v1/quotes", "quotes: read", ["export"]],
    ["GET /v1/promotion_codes", "promotion codes: read", ["export"]],
    ["GET /v1/customers/{id}/balance_transactions", "balance transactions of a customer: read", ["export"]],
  ])("says what is lacking, and for what, when %s is forbidden or unknown", async (endpoint, needs, of) => {
    for (const status of [403, 404]) {
      const { account, context } = accountWithTurns();
      account.fault(endpoint, status);
      const { lacks } = await connect(account).check(context);
      expect(lacks).toEqual(of.map((operation) => ({ operation, needs })));
    }
  });

  it("remarks on redaction that was asked for and is not there, or not permitted", async () => {
    const { account, context } = accountWithTurns();
    const remarksOf = async (given: typeof account, redaction: boolean) =>
      (await connect(given, { redaction }).check(context)).remarks;
    expect(await remarksOf(account, true)).toEqual([expect.stringContaining("has no redaction jobs")]);
    expect(await remarksOf(account, false)).toBeUndefined();
    const able = accountWithTurns({ redaction: true, limited: false });
    expect(await remarksOf(able.account, true)).toBeUndefined();
    able.account.fault("GET /v1/privacy/redaction_jobs", 403);
    expect(await remarksOf(able.account, true)).toEqual([
      expect.stringContaining("may not use redaction jobs"),
    ]);
    expect(able.account.state.redactionJobs.size).toBe(0);
  });

  it("remarks on the read allowance in live mode, until it is said", async () => {
    const { account, context } = accountWithTurns();
    const silent = await connect(account, { live: true }).check(context);
    expect(silent.remarks).toEqual([expect.stringContaining("500 reads for each transaction")]);
    const told = await connect(account, { live: true, readsPerDay: 5000 }).check(context);
    expect(told.remarks).toBeUndefined();
  });

  it("remarks on schedules that the key may not release, which only the end of paid service needs", async () => {
    const { account, context } = accountWithTurns();
    account.fault("POST /v1/subscription_schedules/{id}/release", 403);
    expect(await connect(account).check(context)).toMatchObject({
      lacks: [],
      remarks: [expect.stringContaining("subscription schedules")],
    });
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
