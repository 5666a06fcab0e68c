import { z } from "zod";
import { hangingOn } from "./contacts.ts";
import type { PortalParts, Route } from "./endpoint.ts";
import { objectTypes } from "./object-types.ts";
import type { EngagementRecord, ListRecord, PortalState } from "./records.ts";
import { invalid } from "./replies.ts";

const inputsBody = z.object({
  inputs: z.array(z.object({ id: z.string(), after: z.string().optional() })),
});

/** What is associated with contacts, in both directions. What is archived is not shown. */
export function associationRoutes(parts: PortalParts): readonly Route[] {
  return Object.entries(objectTypes).flatMap(([type, { read }]) => {
    const isLive = (record: EngagementRecord | ListRecord) =>
      "type" in record && record.type === type && record.archivedAt === undefined;
    return [
      associations(parts, "contacts", type, [read], (state, id) =>
        hangingOn(state, id)
          .filter(isLive)
          .map((each) => each.id),
      ),
      associations(parts, type, "contacts", [read], (state, id) => {
        const record = state.engagements.get(id);
        return record !== undefined && isLive(record) ? record.contactIds : [];
      }),
    ];
  });
}

/** What objects of one type are associated with, a page of each at a time. */
function associations(
  { settings, store }: PortalParts,
  from: string,
  to: string,
  scopes: readonly string[],
  idsOf: (state: PortalState, id: string) => readonly string[],
): Route {
  return {
    method: "post",
    path: `/crm/associations/:version/${from}/${to}/batch/read`,
    scopes,
    answer({ body }) {
      const parsed = inputsBody.safeParse(body);
      if (!parsed.success) return invalid("Invalid input JSON");
      const { inputs } = parsed.data;
      if (inputs.length > 1000) return invalid("The maximum number of inputs supported is 1000");
      const state = store.asOf(settings.lagMs);
      const rows: object[] = [];
      const without: string[] = [];
      for (const { id, after = "0" } of inputs) {
        const all = idsOf(state, id);
        const end = Number(after) + settings.pageSize;
        const page = all.slice(Number(after), end);
        if (page.length === 0) {
          without.push(id);
          continue;
        }
        rows.push({
          from: { id },
          to: page.map((other) => ({
            toObjectId: Number(other),
            associationTypes: [{ category: "HUBSPOT_DEFINED", typeId: 1, label: null }],
          })),
          ...(end < all.length ? { paging: { next: { after: String(end) } } } : {}),
        });
      }
      const answer = { status: "COMPLETE", results: settings.arrange(rows) };
      if (without.length === 0 || settings.withoutAssociations === "omitted")
        return { status: 200, body: answer };
      const errors = without.map((id) => ({
        status: "error",
        category: "OBJECT_NOT_FOUND",
        subCategory: "crm.associations.NO_ASSOCIATIONS_FOUND",
        message: `No ${to} is associated with ${from} ${id}.`,
        context: { fromObjectId: [id] },
      }));
      return { status: 207, body: { ...answer, numErrors: errors.length, errors } };
    },
  };
}
