import { failing, noContent, standIn, type StandIn } from "./stand-in.ts";

interface Customer {
  /** Each with the state of the subscription that it is charged for, where there is one. */
  readonly methods: Map<
    string,
    { status: "active" | "trialing" | "paused" | "past_due" | "canceled" | undefined }
  >;
}

/** An account at Paddle. */
export interface PaddleAccount extends StandIn {
  readonly customers: Map<string, Customer>;
}

const host = String.raw`^api\.paddle\.com`;
const one = new RegExp(`${host}/customers/([^/]+)/payment-methods/([^/]+)$`);
const error = (status: number, code: string) =>
  failing(status, { error: { type: "request_error", code, detail: "About Anna Canary's card." } });

/** @param perPage how many items Paddle gives at once: 200 at most */
export function paddleAccount(apiKey: string, product: string, perPage = 200): PaddleAccount {
  const customers: PaddleAccount["customers"] = new Map();
  const stored = (id: string) => ({
    id,
    type: "card",
    card: { cardholder_name: "Anna Canary", last4: "4242" },
  });
  const vendor = standIn(
    (headers) => headers.get("authorization") === `Bearer ${apiKey}`,
    [
      [
        "GET",
        new RegExp(`${host}/products/([^/]+)$`),
        ({ ids: [id] }) => (id === product ? Response.json({ data: { id } }) : error(404, "not_found")),
      ],
      [
        "GET",
        new RegExp(`${host}/customers/([^/]+)/payment-methods$`),
        ({ ids: [id = ""], query }) => {
          const customer = customers.get(id);
          if (customer === undefined) return error(404, "not_found");
          const all = [...customer.methods.keys()].toSorted();
          const rest = all.filter((each) => each > (query.get("after") ?? ""));
          const data = rest.slice(0, perPage);
          const next = `https://api.paddle.com/customers/${id}/payment-methods?after=${data.at(-1) ?? ""}`;
          const pagination = { per_page: perPage, next, has_more: rest.length > data.length };
          return Response.json({ data: data.map(stored), meta: { pagination } });
        },
      ],
      [
        "GET",
        one,
        ({ ids: [id = "", method = ""] }) =>
          customers.get(id)?.methods.has(method)
            ? Response.json({ data: stored(method) })
            : error(404, "not_found"),
      ],
      [
        "DELETE",
        one,
        ({ ids: [id = "", method = ""] }) => {
          const found = customers.get(id)?.methods.get(method);
          if (found === undefined) return error(404, "not_found");
          if (found.status !== undefined && found.status !== "canceled")
            return error(400, "payment_method_in_use");
          customers.get(id)?.methods.delete(method);
          return noContent();
        },
      ],
    ],
  );
  return { ...vendor, customers };
}
