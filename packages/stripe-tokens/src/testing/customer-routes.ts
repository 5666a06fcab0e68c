import { one } from "./form.ts";
import { type ListAnswer, limitOf, listPage, listParams, subList } from "./lists.ts";
import { type Asked, type Route, inMode, seen } from "./route.ts";
import { StripeFailure, noSuch } from "./stripe-failure.ts";
import type { CustomerObject } from "./stripe-objects.ts";
import { customerInPath } from "./which-customer.ts";

/** The customer's endpoints: list, search, retrieve, update. */
export const customerRoutes: readonly Route[] = [
  {
    endpoint: "GET /v1/customers",
    params: ["email", ...listParams],
    run: (asked): ListAnswer => {
      const email = one(asked.params, "email");
      const rows = inMode(asked.state.customers, asked).filter(
        (row) => !row.deleted && (email === undefined || row.email === email),
      );
      const page = listPage(rows, asked.params, "/v1/customers");
      return { ...page, data: page.data.map((row) => expanded(row, asked, "data.")) };
    },
  },
  {
    endpoint: "GET /v1/customers/search",
    params: ["query", "limit", "page", "expand[]"],
    run: (asked) => {
      const email = searchedEmail(one(asked.params, "query")).toLowerCase();
      const rows = indexed(asked).filter((row) => row.email?.toLowerCase() === email);
      const start = Number(one(asked.params, "page") ?? 0);
      const end = start + limitOf(asked.params);
      const more = end < rows.length;
      return {
        object: "search_result",
        url: "/v1/customers/search",
        has_more: more,
        next_page: more ? String(end) : null,
        data: rows.slice(start, end).map((row) => expanded(row, asked, "data.")),
      };
    },
  },
  {
    endpoint: "GET /v1/customers/{id}",
    params: ["expand[]"],
    run: (asked) => expanded(customerInPath(asked), asked, ""),
  },
  {
    endpoint: "POST /v1/customers/{id}",
    params: ["email", "name", "phone", "description", "invoice_settings[default_payment_method]", "expand[]"],
    locks: (asked) => asked.ids[0],
    run: (asked) => {
      const customer = customerInPath(asked);
      if (customer.deleted) throw noSuch("customer", customer.id, "id");
      for (const field of ["email", "name", "phone", "description"] as const) {
        const value = one(asked.params, field);
        if (value !== undefined) customer[field] = value === "" ? null : value;
      }
      const method = one(asked.params, "invoice_settings[default_payment_method]");
      if (method !== undefined) customer.invoice_settings.default_payment_method = ownMethod(method, asked);
      reindex(customer, asked);
      return expanded(customer, asked, "");
    },
  },
];

/** Tells the search index, which catches up later. */
export function reindex(customer: CustomerObject, { state, switches }: Pick<Asked, "state" | "switches">) {
  state.indexed.push({ at: switches.now().getTime(), customer: structuredClone(customer) });
}

function indexed(asked: Asked): readonly CustomerObject[] {
  const until = asked.switches.now().getTime() - asked.switches.searchLagMs;
  const known = new Map<string, CustomerObject>();
  for (const { at, customer } of asked.state.indexed) if (at <= until) known.set(customer.id, customer);
  return inMode(known, asked)
    .filter((row) => !row.deleted)
    .toReversed();
}

/** Only the one query that the stand-in understands: an address, with `'` and `\` escaped. */
function searchedEmail(query: string | undefined): string {
  const quoted = /^email:'((?:[^'\\]|\\.)*)'$/.exec(query ?? "")?.[1];
  if (quoted === undefined) {
    throw new StripeFailure(400, { message: "We were unable to parse your search query.", param: "query" });
  }
  return quoted.replaceAll(/\\(.)/g, "$1");
}

function ownMethod(id: string, asked: Asked): string | null {
  if (id === "") return null;
  if (seen(asked.state.paymentMethods, id, asked)?.customer === asked.ids[0]) return id;
  throw noSuch("PaymentMethod", id, "invoice_settings[default_payment_method]", 400);
}

function expanded(customer: CustomerObject, asked: Asked, prefix: "" | "data."): object {
  const { deleted, ...fields } = customer;
  if (deleted) return { id: customer.id, object: "customer", deleted: true };
  const lists: Record<string, ListAnswer> = {};
  for (const name of asked.params.get("expand[]") ?? []) {
    if (name === `${prefix}sources`) {
      const rows = inMode(asked.state.sources, asked).filter((row) => row.customer === customer.id);
      lists["sources"] = subList(rows, `/v1/customers/${customer.id}/sources`);
    } else if (name === `${prefix}subscriptions`) {
      const rows = inMode(asked.state.subscriptions, asked).filter(
        (row) => row.customer === customer.id && row.status !== "canceled",
      );
      lists["subscriptions"] = subList(rows, `/v1/customers/${customer.id}/subscriptions`);
    } else {
      throw new StripeFailure(400, {
        message: `This property cannot be expanded (${name}).`,
        param: "expand",
      });
    }
  }
  return { ...fields, ...lists };
}
