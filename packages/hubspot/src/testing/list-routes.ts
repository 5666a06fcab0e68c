import { hangingOn } from "./contacts.ts";
import type { PortalParts, Route } from "./endpoint.ts";
import { objectNotFound } from "./replies.ts";

/** The lists that a contact is on. */
export function listRoutes({ settings, store }: PortalParts): readonly Route[] {
  return [
    {
      method: "get",
      path: "/crm/lists/:version/records/:typeId/:id/memberships",
      scopes: ["crm.lists.read"],
      answer({ params, query }) {
        const id = params["id"] ?? "";
        const state = store.asOf(settings.lagMs);
        if (params["typeId"] !== "0-1" || !state.contacts.has(id)) return objectNotFound(id);
        const lists = hangingOn(state, id).filter((record) => "name" in record);
        const from = Number(query.get("after") ?? 0);
        const to = from + settings.pageSize;
        return {
          status: 200,
          body: {
            results: lists
              .slice(from, to)
              .map((each) => ({ listId: each.id, listVersion: 1, isPublicList: false })),
            total: lists.length,
            ...(to < lists.length ? { paging: { next: { after: String(to) } } } : {}),
          },
        };
      },
    },
  ];
}
