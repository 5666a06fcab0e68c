import { z } from "zod";
import { knownProperties, ruleBroken, visibleProperties } from "./contact-properties.ts";
import {
  addressesOf,
  eraseContact,
  findByEmail,
  findById,
  keepContact,
  setProperties,
  toRow,
} from "./contacts.ts";
import type { PortalParts, Route } from "./endpoint.ts";
import { blocklistEntry, type ContactRecord, type PortalState } from "./records.ts";
import { alreadyExists, invalid, invalidProperty, objectNotFound, type Reply } from "./replies.ts";

const base = "/crm/objects/:version/contacts";
const read = ["crm.objects.contacts.read"];
const write = ["crm.objects.contacts.write"];

const propertiesBody = z.object({ properties: z.record(z.string(), z.string()) });
const batchReadBody = z.object({
  idProperty: z.string().optional(),
  inputs: z.array(z.object({ id: z.string() })),
  properties: z.array(z.string()),
  propertiesWithHistory: z.array(z.string()),
});
const deleteBody = z.object({ objectId: z.string().min(1), idProperty: z.string().optional() });

/** Contacts: create, read, update, archive, batch read and GDPR delete. */
export function contactRoutes(parts: PortalParts): readonly Route[] {
  const { settings, store } = parts;
  const known = new Set(knownProperties(settings));
  const now = () => settings.now().toISOString();

  function find(
    state: PortalState,
    key: string,
    idProperty: string | null | undefined,
    archived: boolean,
  ): ContactRecord | undefined {
    return idProperty === "email"
      ? findByEmail(state, key, archived)
      : findById(state, key, archived, settings.mergedIds);
  }

  /** What the token may not see is left out without a word. */
  function row(
    contact: ContactRecord,
    wanted: readonly string[],
    withHistory: readonly string[] = [],
  ): object {
    const isVisible = visibleProperties(settings);
    return toRow(contact, wanted.filter(isVisible), parts.mirror, withHistory.filter(isVisible));
  }

  /** What is wrong with a write of these properties. */
  function problemOf(changes: Readonly<Record<string, string>>, own?: ContactRecord): Reply | undefined {
    const unknown = Object.keys(changes).find((name) => !known.has(name));
    if (unknown !== undefined) {
      return invalidProperty(
        unknown,
        `Property values were not valid: property "${unknown}" does not exist`,
        "PROPERTY_DOESNT_EXIST",
      );
    }
    const email = changes["email"];
    if (email === undefined) return undefined;
    if (!/^[^\s@]+@[^\s@]+$/.test(email))
      return invalidProperty("email", `Property values were not valid: email ${email}`, "INVALID_EMAIL");
    const holder = findByEmail(store.current, email, false);
    return holder === undefined || holder === own ? undefined : alreadyExists(holder.id);
  }

  function refusalOf(contact: ContactRecord): Reply | undefined {
    const isRefused = addressesOf(contact).some((address) => parts.refused.has(address));
    return isRefused ? invalid(`The contact ${contact.id} cannot be changed`) : undefined;
  }

  return [
    {
      method: "post",
      path: base,
      scopes: write,
      answer({ params, body }) {
        const parsed = propertiesBody.safeParse(body);
        if (!parsed.success) return invalid("Invalid input JSON");
        const problem =
          problemOf(parsed.data.properties) ??
          ruleBroken(settings, params["version"] ?? "", parsed.data.properties);
        if (problem !== undefined) return problem;
        const contact = newContact(parts.nextId(), now());
        setProperties(contact, parsed.data.properties, now());
        store.write((state) => keepContact(state, contact));
        parts.notices.add("contact.creation", contact.id);
        return { status: 201, body: row(contact, [...known]) };
      },
    },
    {
      method: "get",
      path: `${base}/:id`,
      scopes: read,
      answer({ params, query }) {
        const key = params["id"] ?? "";
        const archived = query.get("archived") === "true";
        const found = find(store.asOf(settings.lagMs), key, query.get("idProperty"), archived);
        if (found === undefined) return objectNotFound(key);
        return { status: 200, body: row(found, query.get("properties")?.split(",") ?? ["email"]) };
      },
    },
    {
      method: "patch",
      path: `${base}/:id`,
      scopes: write,
      answer({ params, query, body }) {
        const parsed = propertiesBody.safeParse(body);
        if (!parsed.success) return invalid("Invalid input JSON");
        const key = params["id"] ?? "";
        const found = find(store.current, key, query.get("idProperty"), false);
        if (found === undefined) return objectNotFound(key);
        const problem =
          refusalOf(found) ??
          problemOf(parsed.data.properties, found) ??
          ruleBroken(settings, params["version"] ?? "", { ...found.properties, ...parsed.data.properties });
        if (problem !== undefined) return problem;
        const before = found.properties["email"];
        store.write((state) => {
          setProperties(found, parsed.data.properties, now());
          keepContact(state, found);
        });
        const propertyValue = found.properties["email"];
        if (propertyValue !== undefined && propertyValue !== before)
          parts.notices.add("contact.propertyChange", found.id, { propertyName: "email", propertyValue });
        return { status: 200, body: row(found, [...known]) };
      },
    },
    {
      method: "delete",
      path: `${base}/:id`,
      scopes: write,
      answer({ params }) {
        const key = params["id"] ?? "";
        const found = find(store.current, key, undefined, false);
        if (found === undefined) return objectNotFound(key);
        store.write(() => (found.archivedAt = now()));
        parts.notices.add("contact.deletion", found.id);
        return { status: 204 };
      },
    },
    {
      method: "post",
      path: `${base}/batch/read`,
      scopes: read,
      answer({ query, body }) {
        const parsed = batchReadBody.safeParse(body);
        if (!parsed.success) return invalid("Invalid input JSON");
        const { idProperty, inputs, properties, propertiesWithHistory } = parsed.data;
        const most = propertiesWithHistory.length > 0 ? 50 : 100;
        if (inputs.length > most)
          return invalid(`The maximum number of inputs supported in a batch request is ${most}`);
        const state = store.asOf(settings.lagMs);
        const archived = query.get("archived") === "true";
        const found = new Map<string, ContactRecord>();
        const missing: string[] = [];
        for (const { id } of inputs) {
          const contact = find(state, id, idProperty, archived);
          if (contact === undefined) missing.push(id);
          else found.set(contact.id, contact);
        }
        const rows = [...found.values()].map((contact) => row(contact, properties, propertiesWithHistory));
        return batchReply("CONTACT", settings.arrange(rows), settings.arrange(missing), now());
      },
    },
    {
      method: "post",
      path: `${base}/gdpr-delete`,
      scopes: write,
      answer({ body }) {
        const parsed = deleteBody.safeParse(body);
        if (!parsed.success) return invalid("Invalid input JSON");
        const { objectId, idProperty } = parsed.data;
        const live = find(store.current, objectId, idProperty, false);
        const found = live ?? find(store.current, objectId, idProperty, true);
        const refusal = found === undefined ? undefined : refusalOf(found);
        if (refusal !== undefined) return refusal;
        if (found === undefined) {
          if (idProperty !== "email")
            return settings.deleteAgain === 404 ? objectNotFound(objectId) : { status: 204 };
          store.write((state) => state.blocklist.add(blocklistEntry(objectId)));
        } else if (found === live || settings.deleteArchived === "erased") {
          store.write((state) => eraseContact(state, found, settings));
          // Two notices, in any order.
          parts.notices.add("contact.deletion", found.id);
          parts.notices.add("contact.privacyDeletion", found.id);
          if (settings.preferencesAfterErasure === "removed")
            for (const address of addressesOf(found)) parts.mirror.forget(address);
        }
        return { status: 204 };
      },
    },
  ];
}

/** A contact without properties. */
export function newContact(id: string, at: string): ContactRecord {
  return {
    id,
    properties: {},
    additionalEmails: [],
    formerIds: [],
    history: {},
    createdAt: at,
    updatedAt: at,
  };
}

/** What a batch read answers. @param type as HubSpot's message names it */
export function batchReply(
  type: string,
  rows: readonly object[],
  missing: readonly string[],
  at: string,
): Reply {
  const answer = { status: "COMPLETE", results: rows, startedAt: at, completedAt: at };
  if (missing.length === 0) return { status: 200, body: answer };
  const error = {
    status: "error",
    category: "OBJECT_NOT_FOUND",
    message: `Could not get some ${type} objects, they may be deleted or not exist. Check that ids are valid.`,
    context: { ids: missing },
  };
  return { status: 207, body: { ...answer, numErrors: 1, errors: [error] } };
}
