import { spellingsOf } from "./addresses.ts";
import { contactsSchema, historySchema } from "./hubspot-answers.ts";
import { isObjectNotFound, type RawAnswer, unreadable } from "./hubspot-error.ts";
import type { Line } from "./hubspot-request.ts";

/** HubSpot takes so many inputs in one batch of objects. */
export const batchOf = 100;

/** A contact, as far as the adapter reads it. */
export interface Contact {
  readonly id: string;
  /** The primary address and every secondary one, as HubSpot writes them, in lower case. */
  readonly addresses: readonly string[];
  /** The address that HubSpot sends to, and that the properties of opt-outs are about. */
  readonly primary: string | undefined;
  /** What finds it: its id, ids that were merged into it, every spelling of its addresses. */
  readonly keys: ReadonlySet<string>;
  /** The values of the properties that were asked for besides; absent when empty. */
  readonly properties: Readonly<Record<string, string>>;
}

/** What HubSpot answered to a list of keys. */
export interface ContactsRead {
  readonly found: readonly Contact[];
  /** The keys that HubSpot says do not exist. */
  readonly missing: ReadonlySet<string>;
}

const identifying = ["email", "hs_additional_emails", "hs_merged_object_ids"];

/** Contacts: read by the hundred, changed, and deleted for good. */
export function contactCalls({ version, operation, send, ask }: Line) {
  const contacts = `/crm/objects/${version}/contacts`;

  /** GDPR delete answers 204 and nothing else; a 200 is somebody else's answer. */
  async function gdprDelete(body: { objectId: string; idProperty?: "email" }): Promise<void> {
    const { status } = await send({ method: "POST", path: `${contacts}/gdpr-delete`, body });
    if (status !== 204) throw unreadable(operation, status);
  }

  return {
    /** At most 100 keys. An address finds its contact when it is a secondary one as well. */
    async readContacts(
      by: "email" | "id",
      keys: readonly string[],
      archived: boolean,
      besides: readonly string[] = [],
    ): Promise<ContactsRead> {
      const { results, errors } = await ask(
        {
          method: "POST",
          path: `${contacts}/batch/read`,
          query: { archived: String(archived) },
          body: {
            ...(by === "email" ? { idProperty: "email" } : {}),
            inputs: keys.map((key) => ({ id: key })),
            properties: [...new Set([...identifying, ...besides])],
            propertiesWithHistory: [],
          },
        },
        contactsSchema,
      );
      const missing = (errors ?? [])
        .filter(({ category }) => category === "OBJECT_NOT_FOUND")
        .flatMap(({ context: about }) => about?.ids ?? []);
      return {
        found: results.map(({ id, properties }) => contactOf(id, properties)),
        missing: new Set(missing.map((key) => key.toLowerCase())),
      };
    },

    /** These properties of one contact, with all their versions, newest first, and where each came from. */
    async readHistory(id: string, archived: boolean, properties: readonly string[]) {
      const { results } = await ask(
        {
          method: "POST",
          path: `${contacts}/batch/read`,
          query: { archived: String(archived) },
          body: { inputs: [{ id }], properties, propertiesWithHistory: properties },
        },
        historySchema,
      );
      return results.find((each) => each.id === id);
    },

    /** True when HubSpot says that it deleted it, false when it has no such contact. */
    async eraseContact(id: string): Promise<boolean> {
      try {
        await gdprDelete({ objectId: id });
        return true;
      } catch (error) {
        if (isObjectNotFound(error)) return false;
        throw error;
      }
    },

    /** Deletes by address: one that no contact has goes on HubSpot's blocklist. */
    blockAddress: (email: string) => gdprDelete({ objectId: email, idProperty: "email" }),

    /** Sets properties; an empty value clears one. A refusal for what was asked (400) is an answer here. */
    patchContact: (id: string, properties: Readonly<Record<string, string>>): Promise<RawAnswer> =>
      send({ method: "PATCH", path: `${contacts}/${id}`, body: { properties }, answers: [400] }),

    /** Changes nothing of a contact that does not exist. It shows whether contacts may be written. */
    patchNobody: () => send({ method: "PATCH", path: `${contacts}/0`, body: { properties: {} } }),
  };
}

function contactOf(id: string, given: Readonly<Record<string, string | null | undefined>>): Contact {
  const primary = listed(given["email"])[0]?.toLowerCase();
  const others = listed(given["hs_additional_emails"]).map((each) => each.toLowerCase());
  const addresses = primary === undefined ? others : [primary, ...others];
  const filled = Object.entries(given).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string" && entry[1] !== "",
  );
  return {
    id,
    addresses,
    primary,
    keys: new Set([id, ...listed(given["hs_merged_object_ids"]), ...addresses.flatMap(spellingsOf)]),
    properties: Object.fromEntries(filled),
  };
}

/** The members of a property that holds a list, separated by semicolons. */
function listed(value: string | null | undefined): string[] {
  return (value ?? "")
    .split(";")
    .map((each) => each.trim())
    .filter((each) => each !== "");
}
