import { each, type ProcessorV1 } from "@heed/core/contract";
import { z } from "zod";
import { customersIn, forgetting, storedTokens, tokensIn } from "./stored-tokens.ts";
import { type Bucket, everyPage, type Fetch, type VendorCalls, vendorCalls } from "./vendor-calls.ts";

const base = "https://connect.squareup.com/v2";

const cards = z.looseObject({
  cards: z.array(z.looseObject({ id: z.string() })).default([]),
  cursor: z.string().optional(),
});
const disabled = z.looseObject({ card: z.looseObject({ enabled: z.literal(false) }) });
const merchant = z.looseObject({ merchant: z.looseObject({ id: z.string() }) });

/** What stays of a card that Square disabled: number's end, expiry, cardholder, billing address. */
const kept = { category: "disabled-cards", reason: "processor-only-disables" } as const;

/**
 * Cards on file at Square. They can be disabled and not deleted: nothing can be charged to one any more, and what it
 * says about its holder stays, so it is reported as retained. A list shows no disabled card unless asked to, which must
 * not be taken for an empty one.
 *
 * @see https://developer.squareup.com/docs/cards-api/manage-cards
 * @see https://developer.squareup.com/reference/square/cards-api/list-cards
 */
export function square(access: {
  readonly accessToken: string;
  readonly merchantId: string;
  readonly fetch: Fetch;
}): ProcessorV1<"squareCustomerId", never, Bucket> {
  const headers = { authorization: `Bearer ${access.accessToken}`, "square-version": "2026-01-22" };
  const calls = vendorCalls("square", headers, access.fetch);

  /** Square gives 25 at a time. */
  async function cardsOf({ send, read }: VendorCalls, customer: string, which: "all" | "enabled") {
    const all = await everyPage(async (cursor) => {
      const query = new URLSearchParams({
        customer_id: customer,
        include_disabled: String(which === "all"),
        ...(cursor === undefined ? {} : { cursor }),
      }).toString();
      const page = read(cards, await send("GET", `${base}/cards?${query}`));
      return { items: page.cards, next: page.cursor };
    });
    return all.map(({ id }) => id);
  }

  return {
    specificationVersion: "v1",
    name: "square",
    account: access.merchantId,
    identifiers: { squareCustomerId: /^\w{1,191}$/ },
    topics: {},
    // Square documents no number.
    limits: { calls: { calls: 20, perMs: 1000 } },
    operations: {
      forgetTokens: {
        ...forgetting,
        effects: ["irreversible"],
        resolve: each((call, context) =>
          storedTokens(call.identifiers, async (customer) => {
            const all = await cardsOf(calls("forgetTokens", context), customer, "all");
            return all.length === 0 ? undefined : all;
          }),
        ),
        run: each(async (call, context) => {
          if (customersIn(call).length === 0) return { status: "absent" };
          const asking = calls("forgetTokens", context);
          let affected = 0;
          for (const customer of customersIn(call)) {
            const enabled = new Set(await cardsOf(asking, customer, "enabled"));
            for (const { id } of tokensIn(call).filter((token) => enabled.has(token.id))) {
              asking.read(disabled, await asking.send("POST", `${base}/cards/${id}/disable`));
              affected += 1;
            }
          }
          return { status: "done", affected, retained: [...call.input.keep, kept] };
        }),
        verify: each(async (call, context) => {
          for (const customer of customersIn(call)) {
            const enabled = await cardsOf(calls("forgetTokens", context), customer, "enabled");
            if (enabled.length > 0) return { seen: "not-as-asked" };
          }
          return { seen: "as-asked" };
        }),
      },
    },
    async check(context) {
      const { send, read } = calls("check", context);
      const { id: account } = read(merchant, await send("GET", `${base}/merchants/me`)).merchant;
      return { account, lacks: [], unknownTopics: [] };
    },
  };
}
