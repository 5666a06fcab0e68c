import { inspect } from "node:util";
import { ProcessorError, type RateLimitedError } from "@heed/core/contract";
import { describe, expect, it } from "vitest";
import { accountWithTurns, forgetCall, forgetOf } from "../test/subject.ts";
import { stripeOnTheWire } from "../test/wire.ts";
import { stripeError } from "./stripe-error.ts";
import { stripeTokens } from "./stripe-tokens.ts";
import type { Fault } from "./testing/index.ts";

const email = "anna@example.org";

describe("what a failure becomes", () => {
  const connect = stripeOnTheWire();

  async function failure(fault: Fault) {
    const { account, context } = accountWithTurns();
    account.fault("GET /v1/customers", fault);
    const asked = forgetOf(connect(account)).resolve([forgetCall({ email })], context);
    return { error: await asked.catch((error: unknown) => error), account };
  }

  it.each([
    [400, "RejectedError", "rejected"],
    [401, "RejectedError", "rejected"],
    [402, "RejectedError", "rejected"],
    [403, "RejectedError", "rejected"],
    [404, "RejectedError", "rejected"],
    [409, "UnavailableError", "unavailable"],
    [429, "RateLimitedError", "rate-limited"],
    [500, "UnavailableError", "unavailable"],
    [503, "UnavailableError", "unavailable"],
  ])("a %i is a %s", async (status, name, code) => {
    const { error, account } = await failure(status);
    const requestId = account.calls[0]?.requestId;
    const about = { processor: "stripe-tokens", operation: "forgetTokens" };
    expect(error).toMatchObject({ name, code, status, requestId, ...about });
    expect(account.count()).toBe(1);
  });

  it.each(["garbage", "wrong-shape", "drop-before", "drop-after"] as const)(
    "%s is unavailable, and is asked once",
    async (fault) => {
      const { error, account } = await failure(fault);
      expect(error).toMatchObject({ name: "UnavailableError", status: undefined });
      expect(account.count()).toBe(1);
    },
  );

  it("names the request of an answer of the wrong shape", async () => {
    const { error, account } = await failure("wrong-shape");
    expect(error).toMatchObject({ requestId: account.calls[0]?.requestId });
  });

  it("pushes back a busy endpoint for a second, not the account, and nobody for a locked customer", async () => {
    const { limits } = stripeTokens({ apiKey: "sk_test_1", account: "acct_1" });
    const busy = await failure("rate-limit");
    expect(busy.error).toMatchObject({
      name: "RateLimitedError",
      retryAfterMs: 1000,
      bucket: "customer-list",
    });
    const locked = await failure("lock-timeout");
    expect(locked.error).toMatchObject({ name: "RateLimitedError", retryAfterMs: 1000 });
    const { bucket } = locked.error as RateLimitedError;
    expect(bucket).toBe("locked-object");
    expect(Object.keys(limits)).toContain("customer-list");
    expect(Object.keys(limits)).not.toContain(bucket);
  });

  it("pushes back the account when the account is busy, for as long as Stripe says if it does", () => {
    const headers = { "stripe-rate-limited-reason": "global-concurrency", "retry-after": "7" };
    const error = stripeError({ statusCode: 429, headers }, { operation: "forgetTokens", bucket: "detach" });
    expect(error).toMatchObject({ bucket: "global", retryAfterMs: 7000 });
  });

  it("ends with the signal's reason when no answer comes before it is no longer waited for", async () => {
    const { account, context, aborter } = accountWithTurns();
    const over = new Error("over");
    account.fault("GET /v1/customers", "hang");
    account.before("GET /v1/customers", () => void setImmediate(() => aborter.abort(over)));
    const asked = forgetOf(connect(account)).resolve([forgetCall({ email })], context);
    await expect(asked).rejects.toBe(over);
    expect(account.count()).toBe(1);
  });

  it("keeps nothing that Stripe said, nor the key, in any error", async () => {
    const canary = "canary.4711@example.org";
    const faults = [400, 401, 403, 404, 409, 429, 500, "garbage", "wrong-shape", "drop-after"] as const;
    const endpoints = [
      "GET /v1/customers",
      "GET /v1/customers/search",
      "GET /v1/customers/{id}/payment_methods",
      "POST /v1/payment_methods/{id}/detach",
      "POST /v1/customers/{id}",
    ];
    const errors: unknown[] = [];
    for (const endpoint of endpoints) {
      for (const fault of faults) {
        const { account, context } = accountWithTurns();
        const customer = account.add.customer({ email: canary, name: "Canary Birdsong" });
        const card = account.add.paymentMethod(customer.id);
        customer.invoice_settings.default_payment_method = card.id;
        account.fault(endpoint, fault, { times: 9 });
        const { resolve, run } = forgetOf(connect(account));
        const targets = [{ kind: "customer", id: customer.id }];
        const found = await resolve([forgetCall({ email: canary })], context).catch(
          (error: unknown) => error,
        );
        const outcome = (await run([forgetCall({ email: canary }, { targets })], context)).get("call");
        if (found instanceof Error) errors.push(found);
        if (outcome?.status === "failed") errors.push(outcome.error);
      }
    }
    expect(errors.length).toBeGreaterThan(40);
    for (const error of errors) {
      expect(error).toBeInstanceOf(ProcessorError);
      const all = inspect(error, { depth: 20, showHidden: true }) + JSON.stringify(error);
      expect(all).not.toMatch(/canary|birdsong|sk_test|4242|something is wrong|cus_|pm_/i);
    }
  });

  it("keeps a request id only if it looks like one of Stripe's", () => {
    const call = { operation: "forgetTokens", bucket: "detach" } as const;
    expect(stripeError({ statusCode: 500, requestId: "req_Ab12" }, call).requestId).toBe("req_Ab12");
    expect(stripeError({ statusCode: 500, requestId: email }, call).requestId).toBeUndefined();
    expect(stripeError("not even an error", call)).toMatchObject({ name: "UnavailableError" });
  });
});
