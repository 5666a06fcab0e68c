import { type CallContext, each, type ProcessorV1 } from "@heed/core/contract";
import { z } from "zod";
import { askBraintree, type BraintreeGateway } from "./braintree-client.ts";
import { customersIn, dayMs, forgetting, storedTokens, tokensIn } from "./stored-tokens.ts";

const subscription = z.looseObject({ status: z.string(), paidThroughDate: z.string().nullish() });
const customer = z.looseObject({
  paymentMethods: z.array(
    z.looseObject({ token: z.string(), subscriptions: z.array(subscription).default([]) }),
  ),
});
const merchantAccount = z.looseObject({ id: z.string() });
const running: ReadonlySet<string> = new Set(["Active", "Past Due", "Pending"]);

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

  const find = async (context: CallContext<"calls">, id: string) =>
    (await askBraintree("forgetTokens", context, customer, () => gateway.customer.find(id)))?.paymentMethods;

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
        ...forgetting,
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
            const answer = await askBraintree("forgetTokens", context, z.literal(true), async () => {
              await gateway.paymentMethod.delete(id, { revokeAllGrants: true });
              return true;
            });
            if (answer !== undefined) affected += 1;
          }
          return { status: "done", affected, retained: call.input.keep };
        }),
        verify: each(async (call, context) => {
          for (const { id } of tokensIn(call)) {
            const there = await askBraintree("forgetTokens", context, z.unknown(), () =>
              gateway.paymentMethod.find(id),
            );
            if (there !== undefined) return { seen: "not-as-asked" };
          }
          return { seen: "as-asked" };
        }),
      },
    },
    async check(context) {
      const found = await askBraintree("check", context, merchantAccount, () =>
        gateway.merchantAccount.find(access.merchantAccountId),
      );
      return { account: found?.id ?? "another gateway", lacks: [], unknownTopics: [] };
    },
  };
}
