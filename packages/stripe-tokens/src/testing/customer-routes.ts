import { deleteCustomer } from "./delete-customer.ts";
import { one } from "./form.ts";
import { type ListAnswer, limitOf, listPage, onlyExpands, subList } from "./lists.ts";
import { changed } from "./look-up.ts";
import { type Asked, type Route, inMode, inModeWith } from "./route.ts";
import { StripeFailure, noSuch } from "./stripe-failure.ts";
import type { CustomerObject, StripeObject } from "./stripe-objects.ts";
import { updateCustomer } from "./update-customer.ts";
import { customerInPath } from "./which-customer.ts";

/** The customer's endpoints: list, search, retrieve, update, delete. */
export const customerRoutes: readonly Route[] = [
  {
    endpoint: "GET /v1/customers",
    run: (asked): ListAnswer => {
      const email = one(asked.params, "email");
      const clock = one(asked.params, "test_clock") ?? null;
      const { customers } = asked.state;
      const rows = (
        email === undefined ? inMode(customers, asked) : inModeWith(customers, asked, "email", email)
      ).filter((row) => !row.deleted && row.test_clock === clock);
      const page = listPage(rows, asked.params, "/v1/customers");
      return { ...page, data: page.data.map((row) => expanded(row, asked, "data.")) };
    },
  },
  {
    endpoint: "GET /v1/customers/search",
    run: (asked) => {
      const folded = (email: string | null) =>
        asked.switches.searchIgnoresCase ? email?.toLowerCase() : (email ?? undefined);
      const searched = searchedEmail(one(asked.params, "query"));
      const rows = indexed(asked, searched).filter((row) => folded(row.email) === folded(searched));
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
    run: (asked) => expanded(customerInPath(asked), asked, ""),
  },
  {
    endpoint: "POST /v1/customers/{id}",
    locks: (asked) => asked.ids[0],
    run: (asked) => {
      const customer = customerInPath(asked);
      if (customer.deleted) throw noSuch("customer", customer.id, "id");
      updateCustomer(customer, asked);
      reindex(customer, asked);
      return expanded(customer, asked, "");
    },
  },
  {
    endpoint: "DELETE /v1/customers/{id}",
    locks: (asked) => asked.ids[0],
    run: (asked) => {
      const customer = customerInPath(asked);
      if (customer.deleted) throw noSuch("customer", customer.id, "id");
      deleteCustomer(customer, asked);
      reindex(customer, asked);
      return { id: customer.id, object: "customer", deleted: true };
    },
  },
];

/** Tells the search index, which catches up later. */
export function reindex(customer: CustomerObject, { state, switches }: Pick<Asked, "state" | "switches">) {
  changed(state.customers);
  const version = { at: switches.now().getTime(), customer: structuredClone(customer) };
  const { versions, holders } = state.indexed;
  versions.set(customer.id, [...(versions.get(customer.id) ?? []), version]);
  const email = customer.email?.toLowerCase() ?? "";
  holders.set(email, (holders.get(email) ?? new Set()).add(customer.id));
}

/** Whoever ever had the address, in any letter case, as the index has them now; newest first. */
function indexed(asked: Asked, email: string): readonly CustomerObject[] {
  const until = asked.switches.now().getTime() - asked.switches.searchLagMs;
  const { versions, holders } = asked.state.indexed;
  return [...(holders.get(email.toLowerCase()) ?? [])]
    .flatMap((id) => versions.get(id)?.findLast(({ at }) => at <= until)?.customer ?? [])
    .filter((row) => row.livemode === asked.live && !row.deleted)
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

function expanded(customer: CustomerObject, asked: Asked, prefix: "" | "data."): object {
  const { deleted, ...fields } = customer;
  if (deleted) return { id: customer.id, object: "customer", deleted: true };
  const { state, switches, params } = asked;
  const own = <T extends StripeObject & { readonly customer: string | null }>(rows: ReadonlyMap<string, T>) =>
    inModeWith(rows, asked, "customer", customer.id);
  const inside = {
    sources: () => own(state.sources),
    subscriptions: () => own(state.subscriptions).filter((row) => row.status !== "canceled"),
    tax_ids: () => own(state.records).filter((row) => row.object === "tax_id"),
  };
  onlyExpands(params, ...Object.keys(inside).map((name) => `${prefix}${name}`));
  const lists: Record<string, ListAnswer> = {};
  for (const [name, rows] of Object.entries(inside)) {
    if (!params.get("expand[]")?.includes(`${prefix}${name}`)) continue;
    lists[name] = subList(rows(), `/v1/customers/${customer.id}/${name}`, switches.subListSize);
  }
  return { ...fields, ...lists };
}
