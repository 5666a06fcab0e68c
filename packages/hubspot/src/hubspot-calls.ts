import type { CallContext } from "@heed/core/contract";
import type { z } from "zod";
import { spellingsOf } from "./addresses.ts";
import {
  accountSchema,
  contactsSchema,
  definitionsSchema,
  statusesSchema,
  wideStatusesSchema,
} from "./hubspot-answers.ts";
import { type Asking, isObjectNotFound, unreadable } from "./hubspot-error.ts";
import { type HubspotConnection, type HubspotRequest, readAnswer, sendRequest } from "./hubspot-request.ts";
import type { HubspotBucket } from "./rate-limits.ts";

/** A contact, as far as the adapter reads it. */
export interface Contact {
  readonly id: string;
  /** The primary address and every secondary one, as HubSpot writes them, in lower case. */
  readonly addresses: readonly string[];
  /** What finds it: its id, ids that were merged into it, every spelling of its addresses. */
  readonly keys: ReadonlySet<string>;
}

/** What HubSpot answered to a list of keys. */
export interface ContactsRead {
  readonly found: readonly Contact[];
  /** The keys that HubSpot says do not exist. */
  readonly missing: ReadonlySet<string>;
}

/** Every call that the adapter makes to HubSpot, for one question of the engine. */
export type HubspotCalls = ReturnType<typeof hubspotCalls>;

/** The text that HubSpot files with an opt-out. It names nobody and links to nothing. */
const explanation = "The person opted out; carried out through the API on their behalf.";

/** Lends the calls to one question of the engine. Each takes one turn and goes out once. */
export function hubspotCalls(
  connection: HubspotConnection,
  context: CallContext<HubspotBucket>,
  operation: Asking,
) {
  const contacts = `/crm/objects/${connection.apiVersion}/contacts`;
  const preferences = `/communication-preferences/${connection.apiVersion}`;
  const statusesOf = (email: string) => `${preferences}/statuses/${encodeURIComponent(email)}`;

  const send = (request: HubspotRequest) => sendRequest(connection, context, operation, request);

  async function ask<T>(request: HubspotRequest, schema: z.ZodType<T>): Promise<T> {
    return readAnswer(await send(request), schema, operation);
  }

  /** GDPR delete answers 204 and nothing else; a 200 is somebody else's answer. */
  async function gdprDelete(body: { objectId: string; idProperty?: "email" }): Promise<void> {
    const { status } = await send({ method: "POST", path: `${contacts}/gdpr-delete`, body });
    if (status !== 204) throw unreadable(operation, status);
  }

  return {
    account: () =>
      ask({ method: "GET", path: `/account-info/${connection.apiVersion}/details` }, accountSchema),

    /** At most 100 keys. An address finds its contact when it is a secondary one as well. */
    async readContacts(
      by: "email" | "id",
      keys: readonly string[],
      archived: boolean,
    ): Promise<ContactsRead> {
      const { results, errors } = await ask(
        {
          method: "POST",
          path: `${contacts}/batch/read`,
          query: { archived: String(archived) },
          body: {
            ...(by === "email" ? { idProperty: "email" } : {}),
            inputs: keys.map((key) => ({ id: key })),
            properties: ["email", "hs_additional_emails", "hs_merged_object_ids"],
            propertiesWithHistory: [],
          },
        },
        contactsSchema,
      );
      const missing = (errors ?? [])
        .filter(({ category }) => category === "OBJECT_NOT_FOUND")
        .flatMap(({ context: about }) => about?.ids ?? []);
      return {
        found: results.map(({ id, properties }) => {
          const addresses = listed(properties.email, properties.hs_additional_emails).map((each) =>
            each.toLowerCase(),
          );
          const formerIds = listed(properties.hs_merged_object_ids);
          return { id, addresses, keys: new Set([id, ...formerIds, ...addresses.flatMap(spellingsOf)]) };
        }),
        missing: new Set(missing.map((key) => key.toLowerCase())),
      };
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

    /** Changes nothing of a contact that does not exist. It shows whether contacts may be written. */
    patchNobody: () => send({ method: "PATCH", path: `${contacts}/0`, body: { properties: {} } }),

    /** The subscription types of every brand. */
    definitions: async () =>
      (await ask({ method: "GET", path: `${preferences}/definitions` }, definitionsSchema)).results,

    statuses: async (email: string, brandId: string | undefined) =>
      (await ask({ method: "GET", path: statusesOf(email), query: channel(brandId) }, statusesSchema))
        .results,

    /** True when that changed something. */
    async unsubscribe(email: string, subscriptionId: string): Promise<boolean> {
      const { results } = await ask(
        {
          method: "POST",
          path: statusesOf(email),
          body: {
            // HubSpot wants an int64 here, and writes it as a string elsewhere.
            subscriptionId: Number(subscriptionId),
            statusState: "UNSUBSCRIBED",
            channel: "EMAIL",
            // HubSpot demands a legal basis for every change, an opt-out included; the law demands none.
            legalBasis: "LEGITIMATE_INTEREST_OTHER",
            legalBasisExplanation: explanation,
          },
        },
        statusesSchema,
      );
      return !results.some((each) => each.setStatusSuccessReason === "NO_STATUS_CHANGE");
    },

    wideStatuses: async (email: string, brandId: string) =>
      (
        await ask(
          {
            method: "GET",
            path: `${statusesOf(email)}/unsubscribe-all`,
            query: { ...channel(brandId), verbose: "true" },
          },
          wideStatusesSchema,
        )
      ).results,

    async unsubscribeFromAll(email: string, brandId: string): Promise<void> {
      await ask(
        {
          method: "POST",
          path: `${statusesOf(email)}/unsubscribe-all`,
          query: { ...channel(brandId), verbose: "true" },
        },
        wideStatusesSchema,
      );
    },

    /** An empty change for an address that cannot exist. It shows whether preferences may be written. */
    unsubscribeNobody: () => send({ method: "POST", path: statusesOf("nobody@heed.invalid"), body: {} }),
  };
}

/** Brand 0 is the account's own, and what HubSpot takes when none is named. */
function channel(brandId: string | undefined): Record<string, string> {
  return {
    channel: "EMAIL",
    ...(brandId === undefined || brandId === "0" ? {} : { businessUnitId: brandId }),
  };
}

/** The members of properties that hold lists, separated by semicolons. */
function listed(...values: readonly (string | null | undefined)[]): string[] {
  return values
    .flatMap((value) => (value ?? "").split(";"))
    .map((each) => each.trim())
    .filter((each) => each !== "");
}
