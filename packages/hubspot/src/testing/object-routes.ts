import { z } from "zod";
import { batchReply } from "./contact-routes.ts";
import type { PortalParts, Route } from "./endpoint.ts";
import { objectTypes } from "./object-types.ts";
import type { EngagementRecord, PortalState } from "./records.ts";
import { invalid, objectNotFound, type Reply } from "./replies.ts";

const inputsBody = z.object({ inputs: z.array(z.object({ id: z.string() })) });
const readBody = inputsBody.extend({
  properties: z.array(z.string()),
  propertiesWithHistory: z.array(z.string()),
});

const recycleBinMs = 90 * 24 * 60 * 60 * 1000;

/** Notes, calls, e-mails, tickets, …: read, batch read, batch archive. */
export function objectRoutes(parts: PortalParts): readonly Route[] {
  const { settings, store } = parts;

  function find(
    state: PortalState,
    type: string,
    id: string,
    archived: boolean,
  ): EngagementRecord | undefined {
    const found = state.engagements.get(id);
    if (found?.type !== type || (found.archivedAt !== undefined) !== archived) return undefined;
    const isPurged =
      found.archivedAt !== undefined &&
      Date.parse(found.archivedAt) + recycleBinMs <= settings.now().getTime();
    return isPurged ? undefined : found;
  }

  function row(record: EngagementRecord, wanted: readonly string[]): object {
    const all: Record<string, string> = {
      [objectTypes[record.type]?.text ?? "body"]: record.body,
      hs_createdate: record.createdAt,
      hs_object_id: record.id,
    };
    return {
      id: record.id,
      properties: Object.fromEntries(wanted.map((name) => [name, all[name] ?? null])),
      createdAt: record.createdAt,
      updatedAt: record.createdAt,
      archived: record.archivedAt !== undefined,
      ...(record.archivedAt === undefined ? {} : { archivedAt: record.archivedAt }),
    };
  }

  function archive(type: string, ids: readonly string[]): Reply {
    const at = settings.now().toISOString();
    const isThere = (id: string) =>
      type === "contacts"
        ? store.current.contacts.get(id)?.archivedAt === undefined && store.current.contacts.has(id)
        : find(store.current, type, id, false) !== undefined;
    const unknown = ids.find((id) => !isThere(id));
    if (unknown !== undefined && settings.archiveUnknown === 404) return objectNotFound(unknown);
    store.write((state) => {
      for (const id of ids.filter(isThere)) {
        const record = type === "contacts" ? state.contacts.get(id) : state.engagements.get(id);
        if (record !== undefined) record.archivedAt = at;
      }
    });
    return { status: 204 };
  }

  const routesOf = (type: string): readonly Route[] => {
    const known = objectTypes[type];
    const base = `/crm/objects/:version/${type}`;
    const archiveRoute: Route = {
      method: "post",
      path: `${base}/batch/archive`,
      scopes: [known?.write ?? "crm.objects.contacts.write"],
      answer({ body }) {
        const parsed = inputsBody.safeParse(body);
        if (!parsed.success) return invalid("Invalid input JSON");
        const ids = parsed.data.inputs.map(({ id }) => id);
        if (ids.length > 100)
          return invalid("The maximum number of inputs supported in a batch request is 100");
        return archive(type, ids);
      },
    };
    if (known === undefined) return [archiveRoute];
    return [
      archiveRoute,
      {
        method: "post",
        path: `${base}/batch/read`,
        scopes: [known.read],
        answer({ query, body }) {
          const parsed = readBody.safeParse(body);
          if (!parsed.success) return invalid("Invalid input JSON");
          const { inputs, properties } = parsed.data;
          if (inputs.length > 100)
            return invalid("The maximum number of inputs supported in a batch request is 100");
          // The text of an e-mail needs a scope of its own.
          const isHidden = type === "emails" && !settings.scopes.includes("sales-email-read");
          const shown = isHidden ? properties.filter((name) => name !== known.text) : properties;
          const state = store.asOf(settings.lagMs);
          const archived = query.get("archived") === "true";
          const found = inputs.map(({ id }) => [id, find(state, type, id, archived)] as const);
          const rows = found.flatMap(([, record]) => (record === undefined ? [] : row(record, shown)));
          const missing = found.flatMap(([id, record]) => (record === undefined ? id : []));
          const name = type.toUpperCase().replace(/S$/, "");
          return batchReply(
            name,
            settings.arrange(rows),
            settings.arrange(missing),
            settings.now().toISOString(),
          );
        },
      },
      {
        method: "get",
        path: `${base}/:id`,
        scopes: [known.read],
        answer({ params, query }) {
          const id = params["id"] ?? "";
          const record = find(store.asOf(settings.lagMs), type, id, query.get("archived") === "true");
          if (record === undefined) return objectNotFound(id);
          const results = record.contactIds.map((contactId) => ({
            id: contactId,
            type: `${type}_to_contact`,
          }));
          const isAsked = query.get("associations") === "contacts" && results.length > 0;
          return {
            status: 200,
            body: { ...row(record, []), ...(isAsked ? { associations: { contacts: { results } } } : {}) },
          };
        },
      },
    ];
  };

  return [...Object.keys(objectTypes), "contacts"].flatMap(routesOf);
}
