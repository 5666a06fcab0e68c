import { each, type ProcessorV1 } from "@heed/core/contract";
import { z } from "zod";
import { customersIn, forgetting, storedTokens, tokensIn } from "./stored-tokens.ts";
import {
  type Answer,
  type Bucket,
  everyPage,
  type Fetch,
  type VendorCalls,
  vendorCalls,
} from "./vendor-calls.ts";

const base = "https://api-m.paypal.com";
const tokensUrl = `${base}/v3/vault/payment-tokens`;

const page = z.looseObject({
  payment_tokens: z.array(z.looseObject({ id: z.string() })).default([]),
  total_pages: z.number().default(1),
});
const merchant = z.looseObject({ payer_id: z.string() });
const failure = z.looseObject({ name: z.string() });

const isGone = ({ status, body }: Answer) =>
  status === 404 && failure.safeParse(body).data?.name === "RESOURCE_NOT_FOUND";

/**
 * Payment methods in PayPal's vault. Deleting one answers 204 whether it was there or not, so what was deleted is known
 * by looking before. The vault knows a customer only by what is saved for them.
 *
 * @see https://developer.paypal.com/docs/api/payment-tokens/v3/
 */
export function paypal(access: {
  /** An OAuth token is made and kept by whoever passes this in: an adapter holds no state. */
  readonly accessToken: string;
  /** The merchant's own PayPal id. */
  readonly payerId: string;
  readonly fetch: Fetch;
}): ProcessorV1<"paypalCustomerId", never, Bucket> {
  const calls = vendorCalls("paypal", { authorization: `Bearer ${access.accessToken}` }, access.fetch);

  /** Undefined where nothing is saved. */
  async function tokensOf({ send, read }: VendorCalls, customer: string) {
    const all = await everyPage(async (next = "1") => {
      const query = new URLSearchParams({
        customer_id: customer,
        page_size: "5",
        page: next,
        total_required: "true",
      }).toString();
      const { payment_tokens: items, total_pages: pages } = read(
        page,
        await send("GET", `${tokensUrl}?${query}`),
      );
      return { items, next: Number(next) < pages ? String(Number(next) + 1) : undefined };
    });
    return all.length === 0 ? undefined : all.map(({ id }) => id);
  }

  return {
    specificationVersion: "v1",
    name: "paypal",
    account: access.payerId,
    identifiers: { paypalCustomerId: /^[\w-]{1,22}$/ },
    topics: {},
    // PayPal documents no number.
    limits: { calls: { calls: 20, perMs: 1000 } },
    operations: {
      forgetTokens: {
        ...forgetting,
        effects: ["irreversible"],
        resolve: each((call, context) =>
          storedTokens(call.identifiers, (customer) => tokensOf(calls("forgetTokens", context), customer)),
        ),
        run: each(async (call, context) => {
          if (customersIn(call).length === 0) return { status: "absent" };
          const asking = calls("forgetTokens", context);
          let affected = 0;
          for (const customer of customersIn(call)) {
            const stored = new Set(await tokensOf(asking, customer));
            for (const { id } of tokensIn(call).filter((token) => token.customer === customer)) {
              if (!stored.has(id)) continue;
              await asking.send("DELETE", `${tokensUrl}/${id}`);
              affected += 1;
            }
          }
          return { status: "done", affected, retained: call.input.keep };
        }),
        verify: each(async (call, context) => {
          const { send } = calls("forgetTokens", context);
          for (const { id } of tokensIn(call)) {
            const answer = await send("GET", `${tokensUrl}/${id}`, { means: isGone });
            if (!isGone(answer)) return { seen: "not-as-asked" };
          }
          return { seen: "as-asked" };
        }),
      },
    },
    async check(context) {
      const { send, read } = calls("check", context);
      const answer = await send("GET", `${base}/v1/identity/oauth2/userinfo?schema=paypalv1.1`);
      return { account: read(merchant, answer).payer_id, lacks: [], unknownTopics: [] };
    },
  };
}
