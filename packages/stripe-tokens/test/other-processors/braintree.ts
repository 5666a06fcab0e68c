import {
  type CallContext,
  each,
  type OperationName,
  type ProcessorV1,
  RateLimitedError,
  RejectedError,
  UnavailableError,
} from "@heed/core/contract";
import { z } from "zod";
import { customersIn, dayMs, storedTokens, tokensIn } from "./stored-tokens.ts";

/** What is used of the gateway of `braintree` (npm): the vendor's client is passed in, and nothing else of it is. */
export interface BraintreeGateway {
  readonly customer: { find(id: string): Promise<unknown> };
  readonly paymentMethod: {
    find(token: string): Promise<unknown>;
    delete(token: string, options: { readonly revokeAllGrants: boolean }): Promise<unknown>;
  };
  readonly merchantAccount: { find(id: string): Promise<unknown> };
}

const subscription = z.looseObject({ status: z.string(), paidThroughDate: z.string().nullish() });
const customer = z.looseObject({
  paymentMethods: z.array(
    z.looseObject({ token: z.string(), subscriptions: z.array(subscription).default([]) }),
  ),
});
const merchantAccount = z.looseObject({ id: z.string() });
const thrown = z.looseObject({ type: z.string() });

const running: ReadonlySet<string> = new Set(["Active", "Past Due", "Pending"]);

const refusals: Readonly<Record<string, number>> = {
  authenticationError: 401,
  authorizationError: 403,
  notFoundError: 404,
  invalidKeysError: 400,
  upgradeRequired: 426,
};

/**
 * Payment methods in Braintree's vault. Deleting one cancels its subscriptions at once, and the customer loses the days
 * that are paid for already. So the guard asks before, and comes back when what is paid for has run out.
 *
 * @see https://developer.paypal.com/braintree/docs/reference/request/payment-method/delete/node
 * @see https://developer.paypal.com/braintree/docs/reference/response/subscription/node
 * @see https://developer.paypal.com/braintree/docs/reference/general/exceptions/node
 */
export function braintree(access: {
  readonly gateway: BraintreeGateway;
  /** One that only this gateway has. */
  readonly merchantAccountId: string;
}): ProcessorV1<"braintreeCustomerId", never, "calls"> {
  const { gateway } = access;

  /** Undefined: there is no such object. */
  async function ask<T>(
    operation: OperationName | "check",
    context: CallContext<"calls">,
    schema: z.ZodType<T>,
    call: () => Promise<unknown>,
  ): Promise<T | undefined> {
    await context.turn("calls");
    const about = { processor: "braintree", operation };
    const answer = await call().catch((error: unknown) => {
      const type = thrown.safeParse(error).data?.type ?? "";
      if (type === "notFoundError") return undefined;
      if (type === "tooManyRequestsError")
        throw new RateLimitedError("Braintree asks to slow down.", { ...about, retryAfterMs: 1000 });
      const status = refusals[type];
      if (status === undefined) throw new UnavailableError("Braintree gave no usable answer.", about);
      throw new RejectedError(`Braintree refused the request (${type}).`, { ...about, status });
    });
    if (answer === undefined) return undefined;
    const parsed = schema.safeParse(answer);
    if (parsed.success) return parsed.data;
    throw new UnavailableError("Braintree answered in a shape that cannot be read.", about);
  }

  const find = async (context: CallContext<"calls">, id: string) =>
    (await ask("forgetTokens", context, customer, () => gateway.customer.find(id)))?.paymentMethods;

  return {
    specificationVersion: "v1",
    name: "braintree",
    account: access.merchantAccountId,
    identifiers: { braintreeCustomerId: /^[\w-]{1,36}$/ },
    topics: {},
    // Braintree documents no number.
    limits: { calls: { calls: 20, perMs: 1000 } },
    operations: {
      forgetTokens: {
        batchSize: 10,
        repeat: "safe",
        settlingMs: 0,
        matches: "several",
        effects: ["irreversible", "ends-paid-service"],
        resolve: each((call, context) =>
          storedTokens(call.identifiers, async (id) => (await find(context, id))?.map(({ token }) => token)),
        ),
        guard: each(async (call, context) => {
          if (call.input.endsPaidService === "allowed") return { clear: true };
          const now = context.now().getTime();
          const ends: number[] = [];
          for (const id of customersIn(call)) {
            for (const { status, paidThroughDate } of ((await find(context, id)) ?? []).flatMap(
              (method) => method.subscriptions,
            )) {
              // The whole day is paid for, in a zone that is not told.
              const end = Date.parse(paidThroughDate ?? "") + 2 * dayMs;
              if (running.has(status)) ends.push(end > now ? end : now + dayMs);
            }
          }
          if (ends.length === 0) return { clear: true };
          return { blockedBy: "subscription-running", checkAfterMs: Math.min(...ends) - now };
        }),
        run: each(async (call, context) => {
          if (customersIn(call).length === 0) return { status: "absent" };
          let affected = 0;
          for (const { id } of tokensIn(call)) {
            const answer = await ask("forgetTokens", context, z.literal(true), async () => {
              await gateway.paymentMethod.delete(id, { revokeAllGrants: true });
              return true;
            });
            if (answer !== undefined) affected += 1;
          }
          return { status: "done", affected, retained: call.input.keep };
        }),
        verify: each(async (call, context) => {
          for (const { id } of tokensIn(call)) {
            const there = await ask("forgetTokens", context, z.unknown(), () =>
              gateway.paymentMethod.find(id),
            );
            if (there !== undefined) return { seen: "not-as-asked" };
          }
          return { seen: "as-asked" };
        }),
      },
    },
    async check(context) {
      const found = await ask("check", context, merchantAccount, () =>
        gateway.merchantAccount.find(access.merchantAccountId),
      );
      return { account: found?.id ?? "another gateway", lacks: [], unknownTopics: [] };
    },
  };
}
