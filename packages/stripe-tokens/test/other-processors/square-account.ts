import { failing, standIn, type StandIn } from "./stand-in.ts";

/** An account at Square. */
export interface SquareAccount extends StandIn {
  readonly cards: Map<string, { readonly customer: string; enabled: boolean }>;
}

const host = String.raw`^connect\.squareup\.com/v2`;
const perPage = 25;

export function squareAccount(accessToken: string, merchantId: string): SquareAccount {
  const cards: SquareAccount["cards"] = new Map();
  const shown = (id: string) => ({ id, enabled: cards.get(id)?.enabled, cardholder_name: "Anna Canary" });
  const vendor = standIn(
    (headers) => headers.get("authorization") === `Bearer ${accessToken}`,
    [
      [
        "GET",
        new RegExp(`${host}/merchants/me$`),
        () => Response.json({ merchant: { id: merchantId, country: "SE" } }),
      ],
      [
        "GET",
        new RegExp(`${host}/cards$`),
        ({ query }) => {
          const from = Number(query.get("cursor") ?? 0);
          const all = [...cards].filter(
            ([, { customer, enabled }]) =>
              customer === query.get("customer_id") && (enabled || query.get("include_disabled") === "true"),
          );
          // As Square does: no list where there is nothing, no cursor where there is no more.
          if (all.length === 0) return Response.json({});
          return Response.json({
            cards: all.slice(from, from + perPage).map(([id]) => shown(id)),
            ...(from + perPage < all.length ? { cursor: String(from + perPage) } : {}),
          });
        },
      ],
      [
        "POST",
        new RegExp(`${host}/cards/([^/]+)/disable$`),
        ({ ids: [id = ""] }) => {
          const card = cards.get(id);
          if (card === undefined)
            return failing(404, { errors: [{ category: "INVALID_REQUEST_ERROR", code: "NOT_FOUND" }] });
          card.enabled = false;
          return Response.json({ card: shown(id) });
        },
      ],
    ],
  );
  return { ...vendor, cards };
}
