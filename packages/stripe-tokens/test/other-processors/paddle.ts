import { each, type ProcessorV1 } from "@heed/core/contract";
import { z } from "zod";
import { customersIn, dayMs, forgetting, storedTokens, tokensIn } from "./stored-tokens.ts";
import {
  type Answer,
  type Bucket,
  everyPage,
  type Fetch,
  type VendorCalls,
  vendorCalls,
} from "./vendor-calls.ts";

const base = "https://api.paddle.com";

const methods = z.looseObject({
  data: z.array(z.looseObject({ id: z.string() })),
  meta: z.looseObject({ pagination: z.looseObject({ next: z.string(), has_more: z.boolean() }) }),
});
const product = z.looseObject({ data: z.looseObject({ id: z.string() }) });
const failure = z.looseObject({ error: z.looseObject({ code: z.string() }) });

/** An error is told by its code: a 404 without one is no answer about the object, and a 400 may be any mistake. */
const says =
  (status: number, code: string) =>
  (answer: Answer): boolean =>
    answer.status === status && failure.safeParse(answer.body).data?.error.code === code;
const isGone = says(404, "not_found");
const isInUse = says(400, "payment_method_in_use");

/**
 * Payment methods saved at Paddle. It refuses to delete one that a subscription is charged by (active, trialing, paused
 * or past due), so nothing has to be asked before: what is not in use goes at once, the rest when Paddle lets it.
 *
 * @see https://developer.paddle.com/api-reference/payment-methods/delete-payment-method
 * @see https://developer.paddle.com/errors/payment-methods/payment_method_in_use
 */
export function paddle(access: {
  readonly apiKey: string;
  /** `pro_…`: a product that only this account has. No call of Paddle's names the account of a key. */
  readonly product: string;
  readonly fetch: Fetch;
}): ProcessorV1<"paddleCustomerId", never, Bucket> {
  const calls = vendorCalls("paddle", { authorization: `Bearer ${access.apiKey}` }, access.fetch);
  const methodsUrl = (customer: string) => `${base}/customers/${customer}/payment-methods`;

  async function methodsOf({ send, read }: VendorCalls, customer: string) {
    let isThere = true;
    const all = await everyPage(async (next = `${methodsUrl(customer)}?per_page=200`) => {
      const answer = await send("GET", next, { means: isGone });
      isThere = !isGone(answer);
      if (!isThere) return { items: [] };
      const { data, meta } = read(methods, answer);
      return { items: data, next: meta.pagination.has_more ? meta.pagination.next : undefined };
    });
    return isThere ? all.map(({ id }) => id) : undefined;
  }

  return {
    specificationVersion: "v1",
    name: "paddle",
    account: access.product,
    identifiers: { paddleCustomerId: /^ctm_[a-z\d]{26}$/ },
    topics: {},
    // https://developer.paddle.com/api-reference/about/rate-limiting
    limits: { calls: { calls: 240, perMs: 60_000 } },
    operations: {
      forgetTokens: {
        ...forgetting,
        effects: ["irreversible"],
        resolve: each((call, context) =>
          storedTokens(call.identifiers, (customer) => methodsOf(calls("forgetTokens", context), customer)),
        ),
        run: each(async (call, context) => {
          if (customersIn(call).length === 0) return { status: "absent" };
          const { send } = calls("forgetTokens", context);
          let affected = 0;
          let inUse = 0;
          for (const { customer, id } of tokensIn(call)) {
            const means = (answer: Answer) => isGone(answer) || isInUse(answer);
            const answer = await send("DELETE", `${methodsUrl(customer)}/${id}`, { means });
            if (isInUse(answer)) inUse += 1;
            else if (!isGone(answer)) affected += 1;
          }
          if (inUse > 0)
            return { status: "blocked", by: "payment-method-in-use", checkAfterMs: dayMs, affected };
          return { status: "done", affected, retained: call.input.keep };
        }),
        verify: each(async (call, context) => {
          const { send } = calls("forgetTokens", context);
          for (const { customer, id } of tokensIn(call)) {
            const answer = await send("GET", `${methodsUrl(customer)}/${id}`, { means: isGone });
            if (!isGone(answer)) return { seen: "not-as-asked" };
          }
          return { seen: "as-asked" };
        }),
      },
    },
    async check(context) {
      const { send, read } = calls("check", context);
      const { data } = read(product, await send("GET", `${base}/products/${access.product}`));
      return { account: data.id, lacks: [], unknownTopics: [] };
    },
  };
}
