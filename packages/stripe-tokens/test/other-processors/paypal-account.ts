import { failing, noContent, standIn, type StandIn } from "./stand-in.ts";

/** An account at PayPal, and what its vault has. */
export interface PaypalAccount extends StandIn {
  /** Token to customer. */
  readonly vault: Map<string, string>;
}

const host = String.raw`^api-m\.paypal\.com`;
const one = new RegExp(`${host}/v3/vault/payment-tokens/([^/]+)$`);

export function paypalAccount(accessToken: string, payerId: string): PaypalAccount {
  const vault: PaypalAccount["vault"] = new Map();
  const shown = (id: string) => ({
    id,
    customer: { id: vault.get(id) },
    payment_source: { card: { name: "Anna Canary", last_digits: "1111" } },
  });
  const vendor = standIn(
    (headers) => headers.get("authorization") === `Bearer ${accessToken}`,
    [
      ["GET", new RegExp(`${host}/v1/identity/oauth2/userinfo$`), () => Response.json({ payer_id: payerId })],
      [
        "GET",
        new RegExp(`${host}/v3/vault/payment-tokens$`),
        ({ query }) => {
          const customer = query.get("customer_id");
          const size = Number(query.get("page_size") ?? 5);
          const from = (Number(query.get("page") ?? 1) - 1) * size;
          const all = [...vault].filter(([, of]) => of === customer).map(([id]) => shown(id));
          const total = query.get("total_required") === "true" && {
            total_items: all.length,
            total_pages: Math.ceil(all.length / size),
          };
          return Response.json({
            customer: { id: customer },
            payment_tokens: all.slice(from, from + size),
            ...total,
          });
        },
      ],
      [
        "GET",
        one,
        ({ ids: [id = ""] }) =>
          vault.has(id)
            ? Response.json(shown(id))
            : failing(404, { name: "RESOURCE_NOT_FOUND", message: "About Anna Canary.", debug_id: "1" }),
      ],
      [
        "DELETE",
        one,
        ({ ids: [id = ""] }) => {
          vault.delete(id);
          return noContent();
        },
      ],
    ],
  );
  return { ...vendor, vault };
}
