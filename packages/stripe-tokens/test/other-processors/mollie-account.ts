import { failing, noContent, standIn, type StandIn } from "./stand-in.ts";

interface Customer {
  readonly mandates: Set<string>;
  readonly subscriptions: { readonly mandateId: string | null; status: string }[];
}

/** An account at Mollie. A mandate that was revoked is gone: 410. */
export interface MollieAccount extends StandIn {
  /** Undefined: deleted. */
  readonly customers: Map<string, Customer | undefined>;
}

const host = String.raw`^api\.mollie\.com/v2`;
const gone = () =>
  failing(410, { status: 410, title: "Gone", detail: "The resource is no longer available" });

export function mollieAccount(apiKey: string, profile: string): MollieAccount {
  const customers: MollieAccount["customers"] = new Map();
  const revoked = new Set<string>();

  /** With what makes it a test of what is kept: the holder's name. */
  const details = { consumerName: "Anna Canary", consumerAccount: "NL55INGB0000000000" };
  const found = (id: string, answer: (customer: Customer) => Response) => {
    const customer = customers.get(id);
    if (customer !== undefined) return answer(customer);
    return customers.has(id) ? gone() : failing(404, { status: 404, title: "Not Found" });
  };
  const list = (name: string, items: readonly unknown[]) =>
    Response.json({ count: items.length, _embedded: { [name]: items }, _links: { next: null } });

  const vendor = standIn(
    (headers) => headers.get("authorization") === `Bearer ${apiKey}`,
    [
      ["GET", new RegExp(`${host}/profiles/me$`), () => Response.json({ resource: "profile", id: profile })],
      [
        "GET",
        new RegExp(`${host}/customers/([^/]+)/mandates$`),
        ({ ids: [id = ""] }) =>
          found(id, ({ mandates }) =>
            list(
              "mandates",
              [...mandates].map((mandate) => ({ id: mandate, status: "valid", details })),
            ),
          ),
      ],
      [
        "GET",
        new RegExp(`${host}/customers/([^/]+)/mandates/([^/]+)$`),
        ({ ids: [id = "", mandate = ""] }) =>
          found(id, ({ mandates }) => {
            if (mandates.has(mandate)) return Response.json({ id: mandate, status: "valid", details });
            return revoked.has(mandate) ? gone() : failing(404, { status: 404, title: "Not Found" });
          }),
      ],
      [
        "DELETE",
        new RegExp(`${host}/customers/([^/]+)/mandates/([^/]+)$`),
        ({ ids: [id = "", mandate = ""] }) =>
          found(id, ({ mandates, subscriptions }) => {
            if (!mandates.delete(mandate)) return gone();
            revoked.add(mandate);
            for (const subscription of subscriptions)
              if (subscription.mandateId === mandate && subscription.status === "active")
                subscription.status = "canceled";
            return noContent();
          }),
      ],
      [
        "GET",
        new RegExp(`${host}/customers/([^/]+)/subscriptions$`),
        ({ ids: [id = ""] }) =>
          found(id, ({ subscriptions }) =>
            list(
              "subscriptions",
              subscriptions.map((each, index) => ({ id: `sub_${index}`, ...each })),
            ),
          ),
      ],
    ],
  );
  return { ...vendor, customers };
}
