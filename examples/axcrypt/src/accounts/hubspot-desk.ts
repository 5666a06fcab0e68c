import { z } from "zod";
import type { Vendors } from "../axcrypt.ts";
import { subscriptionTypes } from "../policy.ts";
import { Refusal } from "../refusal.ts";
import { vendorLine, type VendorAccess } from "./vendor-line.ts";

const version = "2026-09";
const contactSchema = z.looseObject({ id: z.string() });
const definitionSchema = z.looseObject({
  id: z.string(),
  name: z.string(),
  isActive: z.boolean(),
  isInternal: z.boolean(),
  businessUnitId: z.union([z.string(), z.number()]).nullish(),
});

/** A contact as HubSpot shows it. */
export type SeenContact = z.infer<typeof contactSchema>;

/** What the demo itself does at HubSpot: makes contacts, and looks for them. */
export function hubspotDesk(access: VendorAccess) {
  const ask = vendorLine("HubSpot", access);

  async function read(inputs: readonly string[], by: object, archived: boolean) {
    if (inputs.length === 0) return [];
    const { results } = await ask(z.looseObject({ results: z.array(contactSchema) }), {
      method: "POST",
      path: `/crm/objects/${version}/contacts/batch/read`,
      query: { archived: String(archived) },
      json: {
        ...by,
        inputs: inputs.map((id) => ({ id })),
        properties: ["email", "firstname", "lastname", "hs_additional_emails"],
        propertiesWithHistory: [],
      },
    });
    return results;
  }

  return {
    async portalId(): Promise<string> {
      const { portalId } = await ask(z.looseObject({ portalId: z.int() }), {
        method: "GET",
        path: `/account-info/${version}/details`,
      });
      return String(portalId);
    },

    /**
     * Binds each topic to a subscription type of the account's own brand: whichever there are, since only people of
     * this run subscribe to them.
     *
     * @throws Refusal when there are too few
     */
    async topics(): Promise<Vendors["hubspot"]["topics"]> {
      const { results } = await ask(z.looseObject({ results: z.array(definitionSchema) }), {
        method: "GET",
        path: `/communication-preferences/${version}/definitions`,
      });
      const usable = results.filter(
        ({ isActive, isInternal, businessUnitId }) =>
          isActive && !isInternal && String(businessUnitId ?? "0") === "0",
      );
      const topics = Object.keys(subscriptionTypes);
      if (usable.length < topics.length) {
        throw new Refusal(
          `HubSpot has ${usable.length} active e-mail subscription types of the account's own brand, and AxCrypt has ${topics.length} topics. Make more in the settings of marketing e-mail.`,
        );
      }
      const bound = topics.map((topic, at) => [topic, { subscriptionId: usable[at]?.id ?? "" }]);
      return Object.fromEntries(bound) as Vendors["hubspot"]["topics"];
    },

    async addContact(email: string, name: string): Promise<string> {
      const [firstname = "", ...rest] = name.split(" ");
      const { id } = await ask(contactSchema, {
        method: "POST",
        path: `/crm/objects/${version}/contacts`,
        json: { properties: { email, firstname, lastname: rest.join(" ") } },
      });
      return id;
    },

    /** The contacts, archived ones too, that have one of these addresses or ids. */
    async find(emails: readonly string[], ids: readonly string[]): Promise<readonly SeenContact[]> {
      const found = new Map<string, SeenContact>();
      for (const archived of [false, true]) {
        for (const contact of [
          ...(await read(emails, { idProperty: "email" }, archived)),
          ...(await read(ids, {}, archived)),
        ])
          found.set(contact.id, contact);
      }
      return [...found.values()];
    },
  };
}
