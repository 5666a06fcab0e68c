import { describe, expect, it } from "vitest";
import { z } from "zod";
import { askPortal as ask } from "../../test/ask-portal.ts";
import { hubspotPortal, type HubspotPortal } from "./portal.ts";

const errorSchema = z.object({ category: z.string(), message: z.string() });
const rowSchema = z.object({
  id: z.string(),
  archived: z.boolean(),
  properties: z.record(z.string(), z.string().nullable()),
});
const batchSchema = z.object({
  results: z.array(rowSchema),
  errors: z
    .array(z.object({ category: z.string(), context: z.object({ ids: z.array(z.string()) }) }))
    .optional(),
});

const contacts = "/crm/objects/2026-09/contacts";

describe("a contact", () => {
  it("is created, read by id and by any address, changed, and shows what was asked for", async () => {
    const portal = hubspotPortal();
    const created = await ask(portal, "POST", contacts, {
      properties: { email: "Anna@Example.org", city: "Umeå" },
    });
    expect(created.status).toBe(201);
    expect((await ask(portal, "PATCH", `${contacts}/101`, { properties: { city: "" } })).status).toBe(200);
    const byId = await ask(portal, "GET", `${contacts}/101?properties=email,city`);
    const byEmail = await ask(
      portal,
      "GET",
      `${contacts}/anna%40example.org?idProperty=email&properties=email,city`,
    );
    expect(byId.body).toEqual(byEmail.body);
    expect(rowSchema.parse(byId.body).properties).toMatchObject({ email: "anna@example.org", city: null });
    expect(portal.search("Umeå")).toEqual(["contact 101"]);
  });

  it("cannot have an address that another one has, as primary or secondary address", async () => {
    const portal = hubspotPortal();
    portal.addContact({ email: "anna@example.org", additionalEmails: ["anna.b@example.net"] });
    for (const email of ["anna@example.org", "ANNA.B@example.net"]) {
      const { status, body } = await ask(portal, "POST", contacts, { properties: { email } });
      expect(status).toBe(409);
      expect(errorSchema.parse(body).message).toBe("Contact already exists. Existing ID: 101");
    }
  });

  it("cannot have a property that nobody defined", async () => {
    const portal = hubspotPortal({ properties: ["plan"] });
    expect((await ask(portal, "POST", contacts, { properties: { plan: "free" } })).status).toBe(201);
    const { status, body } = await ask(portal, "POST", contacts, { properties: { shoe_size: "41" } });
    expect(status).toBe(400);
    expect(body).toMatchObject({
      category: "VALIDATION_ERROR",
      errors: [{ code: "PROPERTY_DOESNT_EXIST", context: { propertyName: ["shoe_size"] } }],
    });
  });

  it("that is archived is read only as archived, and frees its address", async () => {
    const portal = hubspotPortal();
    portal.addContact({ email: "anna@example.org" });
    expect((await ask(portal, "DELETE", `${contacts}/101`)).status).toBe(204);
    const { status, body } = await ask(portal, "GET", `${contacts}/101`);
    expect(status).toBe(404);
    expect(errorSchema.parse(body).category).toBe("OBJECT_NOT_FOUND");
    expect(rowSchema.parse((await ask(portal, "GET", `${contacts}/101?archived=true`)).body).archived).toBe(
      true,
    );
    expect((await ask(portal, "POST", contacts, { properties: { email: "anna@example.org" } })).status).toBe(
      201,
    );
  });
});

describe("batch read", () => {
  it("answers 207 with what is missing, one row for two keys of one contact, and rows out of order", async () => {
    const portal = hubspotPortal();
    portal.addContact({ email: "anna@example.org", additionalEmails: ["anna.b@example.net"] });
    portal.addContact({ email: "bo@example.org" });
    const keys = ["anna@example.org", "nobody@example.org", "anna.b@example.net", "bo@example.org"];
    const { status, body } = await readBatch(portal, keys, { idProperty: "email" });
    expect(status).toBe(207);
    const { results, errors } = batchSchema.parse(body);
    expect(results.map(({ id }) => id)).toEqual(["102", "101"]);
    expect(results[1]?.properties["hs_additional_emails"]).toBe("anna.b@example.net");
    expect(errors).toEqual([
      expect.objectContaining({ category: "OBJECT_NOT_FOUND", context: { ids: ["nobody@example.org"] } }),
    ]);
  });

  it("answers 200 when all are there, and 400 to more than 100 keys", async () => {
    const portal = hubspotPortal();
    portal.addContact({});
    expect((await readBatch(portal, ["101"])).status).toBe(200);
    expect((await readBatch(portal, Array.from({ length: 101 }, String))).status).toBe(400);
  });

  it.each([
    ["redirect", ["101"]],
    ["gone", []],
  ] as const)("finds a merged id when the switch says %s", async (mergedIds, found) => {
    const portal = hubspotPortal({ mergedIds });
    portal.merge(
      portal.addContact({ email: "anna@example.org" }),
      portal.addContact({ email: "a@example.net" }),
    );
    const { results } = batchSchema.parse((await readBatch(portal, ["102"])).body);
    expect(results.map(({ id }) => id)).toEqual(found);
  });

  it("sees writes late where the portal lags", async () => {
    let instant = 0;
    const portal = hubspotPortal({ lagMs: 5000, now: () => new Date(instant) });
    portal.addContact({ email: "anna@example.org" });
    await ask(portal, "POST", `${contacts}/gdpr-delete`, { objectId: "101" });
    instant = 4999;
    expect((await readBatch(portal, ["101"])).status).toBe(200);
    instant = 5000;
    expect((await readBatch(portal, ["101"])).status).toBe(207);
  });
});

describe("GDPR delete", () => {
  it("removes contact, history and preferences, blocks every address, and leaves engagements without it", async () => {
    const portal = hubspotPortal({ definitions: [{ id: "4711" }] });
    const id = portal.addContact({ email: "anna@example.org", additionalEmails: ["anna.b@example.net"] });
    await ask(portal, "PATCH", `${contacts}/${id}`, { properties: { firstname: "Former-Name" } });
    await ask(portal, "PATCH", `${contacts}/${id}`, { properties: { firstname: "Anna" } });
    portal.choose("anna.b@example.net", "4711", "SUBSCRIBED");
    const note = portal.addEngagement({ type: "notes", body: "anna.b@example.net called", contactIds: [id] });
    expect(portal.search("former-name")).toEqual([`contact ${id}`]);
    expect(portal.search("anna.b@example.net")).toEqual([`contact ${id}`, `notes ${note}`, "status 4711"]);

    expect((await ask(portal, "POST", `${contacts}/gdpr-delete`, { objectId: id })).status).toBe(204);

    expect(portal.search("former-name")).toEqual([]);
    expect(portal.search("anna.b@example.net")).toEqual([`notes ${note}`]);
    expect(portal.dossier("anna.b@example.net")).toEqual({
      contacts: [],
      engagements: [],
      lists: [],
      preferences: [],
      optOutsOfAll: [],
    });
    expect(portal.isBlocked("Anna@example.org")).toBe(true);
    expect(portal.isBlocked("anna.b@example.net")).toBe(true);
    for (const archived of [false, true]) {
      expect((await ask(portal, "GET", `${contacts}/${id}?archived=${archived}`)).status).toBe(404);
    }
  });

  it("blocks an address that no contact has, and says 204", async () => {
    const portal = hubspotPortal();
    const body = { objectId: "anna@example.org", idProperty: "email" };
    expect((await ask(portal, "POST", `${contacts}/gdpr-delete`, body)).status).toBe(204);
    expect(portal.isBlocked("anna@example.org")).toBe(true);
    // The blocklist holds no address, and hinders no contact made through the API.
    expect(portal.search("anna@example.org")).toEqual([]);
    expect((await ask(portal, "POST", contacts, { properties: { email: "anna@example.org" } })).status).toBe(
      201,
    );
  });

  it.each([204, 404] as const)("answers %i the second time when the switch says so", async (deleteAgain) => {
    const portal = hubspotPortal({ deleteAgain });
    const id = portal.addContact({ email: "anna@example.org" });
    expect((await ask(portal, "POST", `${contacts}/gdpr-delete`, { objectId: id })).status).toBe(204);
    expect((await ask(portal, "POST", `${contacts}/gdpr-delete`, { objectId: id })).status).toBe(deleteAgain);
  });

  it("keeps preferences when the switch says so", async () => {
    const portal = hubspotPortal({ definitions: [{ id: "4711" }], preferencesAfterErasure: "kept" });
    const id = portal.addContact({ email: "anna@example.org" });
    portal.choose("anna@example.org", "4711", "UNSUBSCRIBED");
    await ask(portal, "POST", `${contacts}/gdpr-delete`, { objectId: id });
    expect(portal.search("anna@example.org")).toEqual(["status 4711"]);
  });
});

function readBatch(portal: HubspotPortal, keys: readonly string[], more: object = {}) {
  return ask(portal, "POST", `${contacts}/batch/read`, {
    inputs: keys.map((id) => ({ id })),
    properties: ["email", "hs_additional_emails"],
    propertiesWithHistory: [],
    ...more,
  });
}
