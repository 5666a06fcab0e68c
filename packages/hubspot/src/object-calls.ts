import { batchOf } from "./contact-calls.ts";
import { associatedSchema, associationsSchema, membershipsSchema, objectsSchema } from "./hubspot-answers.ts";
import { isObjectNotFound, unreadable } from "./hubspot-error.ts";
import type { Line } from "./hubspot-request.ts";
import { inChunks } from "./in-chunks.ts";

/** HubSpot takes so many inputs in one question about associations. */
const associationsOf = 1000;
/** Nothing has so many pages; an answer that never ends is none. */
const mostPages = 1000;

/** What HubSpot answered about objects. */
export interface ObjectsRead {
  readonly found: readonly { readonly id: string; readonly properties: Readonly<Record<string, unknown>> }[];
  /** Those that HubSpot says do not exist. */
  readonly missing: ReadonlySet<string>;
}

/** Notes, calls, e-mails, tickets, …, what they are associated with, and lists. */
export function objectCalls({ version, operation, send, ask }: Line) {
  /**
   * Adds what each object is associated with, page by page, and notes of whom HubSpot said something.
   * @returns those that had several pages
   */
  async function readPages(
    from: string,
    to: string,
    ids: readonly string[],
    associated: Map<string, Set<string>>,
    told: Set<string>,
  ): Promise<string[]> {
    const paged = new Set<string>();
    const path = `/crm/associations/${version}/${from}/${to}/batch/read`;
    let inputs: { id: string; after?: string }[] = ids.map((id) => ({ id }));
    for (let page = 0; inputs.length > 0; page += 1) {
      if (page === mostPages) throw unreadable(operation, 200);
      const next: { id: string; after: string }[] = [];
      for (const asked of inChunks(inputs, associationsOf)) {
        const { results, errors } = await ask(
          { method: "POST", path, body: { inputs: asked } },
          associationsSchema,
        );
        for (const each of errors ?? []) for (const id of each.context?.fromObjectId ?? []) told.add(id);
        for (const row of results) {
          told.add(row.from.id);
          const known = associated.get(row.from.id) ?? new Set();
          for (const { toObjectId } of row.to) known.add(toObjectId);
          associated.set(row.from.id, known);
          const after = row.paging?.next?.after;
          if (after == null) continue;
          paged.add(row.from.id);
          next.push({ id: row.from.id, after });
        }
      }
      inputs = next;
    }
    return [...paged];
  }

  return {
    /**
     * The objects of type `to` that each object is associated with; an object that has none is not in the answer. HubSpot
     * names those that have none, or leaves them out, as an answer that is cut short would: so whatever it says nothing
     * of is asked for once more. Where there are several pages, they are read until nothing new turns up: what is taken
     * away meanwhile may shift them.
     */
    async readAssociations(
      from: string,
      to: string,
      ids: readonly string[],
    ): Promise<ReadonlyMap<string, readonly string[]>> {
      const associated = new Map<string, Set<string>>();
      const told = new Set<string>();
      const distinct = [...new Set(ids)];
      const paged = await readPages(from, to, distinct, associated, told);
      const untold = distinct.filter((id) => !told.has(id));
      paged.push(...(await readPages(from, to, untold, associated, told)));
      for (let known = -1; paged.length > 0 && known < countOf(associated);) {
        known = countOf(associated);
        await readPages(from, to, paged, associated, told);
      }
      return new Map([...associated].map(([id, others]) => [id, [...others]]));
    },

    /** The contacts of one object, which it says itself; undefined when it is not there, or archived. */
    async readContactsOf(type: string, id: string): Promise<readonly string[] | undefined> {
      try {
        const path = `/crm/objects/${version}/${type}/${id}`;
        const { associations } = await ask(
          { method: "GET", path, query: { associations: "contacts", archived: "false" } },
          associatedSchema,
        );
        return (associations?.contacts?.results ?? []).map((each) => each.id);
      } catch (error) {
        if (isObjectNotFound(error)) return undefined;
        throw error;
      }
    },

    /** Any number of ids, by the hundred. */
    async readObjects(
      type: string,
      ids: readonly string[],
      archived: boolean,
      properties: readonly string[] = [],
    ): Promise<ObjectsRead> {
      const found: ObjectsRead["found"][number][] = [];
      const missing = new Set<string>();
      for (const asked of inChunks([...new Set(ids)], batchOf)) {
        const { results, errors } = await ask(
          {
            method: "POST",
            path: `/crm/objects/${version}/${type}/batch/read`,
            query: { archived: String(archived) },
            body: { inputs: asked.map((id) => ({ id })), properties, propertiesWithHistory: [] },
          },
          objectsSchema,
        );
        found.push(...results);
        for (const { category, context: about } of errors ?? [])
          if (category === "OBJECT_NOT_FOUND") for (const id of about?.ids ?? []) missing.add(id);
      }
      return { found, missing };
    },

    /** At most 100 ids: to the recycle bin. An id that is not there is no reason to fail, or is one. */
    async archiveObjects(type: string, ids: readonly string[]): Promise<void> {
      const { status } = await send({
        method: "POST",
        path: `/crm/objects/${version}/${type}/batch/archive`,
        body: { inputs: ids.map((id) => ({ id })) },
      });
      if (status !== 204) throw unreadable(operation, status);
    },

    /** The lists that a contact is on. */
    async memberships(contactId: string): Promise<readonly object[]> {
      const found: object[] = [];
      let after: string | undefined;
      for (let page = 0; page < mostPages; page += 1) {
        const { results, paging } = await ask(
          {
            method: "GET",
            path: `/crm/lists/${version}/records/0-1/${contactId}/memberships`,
            ...(after === undefined ? {} : { query: { after } }),
          },
          membershipsSchema,
        );
        found.push(...results);
        const next = paging?.next?.after;
        if (next == null || next === after) return found;
        after = next;
      }
      throw unreadable(operation, 200);
    },
  };
}

function countOf(associated: ReadonlyMap<string, ReadonlySet<string>>): number {
  return [...associated.values()].reduce((sum, { size }) => sum + size, 0);
}
