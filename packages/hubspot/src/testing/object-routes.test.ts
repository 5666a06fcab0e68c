import { describe, expect, it } from "vitest";
import { askPortal as ask } from "../../test/ask-portal.ts";
import { allScopes } from "./options.ts";
import { hubspotPortal, type HubspotPortal } from "./portal.ts";

const objects = "/crm/objects/2026-09";
const associations = "/crm/associations/2026-09";

const inputs = (...ids: readonly string[]) => ({ inputs: ids.map((id) => ({ id })) });
const reading = (...ids: readonly string[]) => ({
  ...inputs(...ids),
  properties: ["hs_note_body"],
  propertiesWithHistory: [],
});

/** A contact with a note. */
function noted(portal: HubspotPortal): { readonly contact: string; readonly note: string } {
  const contact = portal.addContact({ email: "anna@example.org" });
  return { contact, note: portal.addEngagement({ type: "notes", body: "Called.", contactIds: [contact] }) };
}

describe("a note", () => {
  it("is read by the batch, archived by the batch, and gone from the recycle bin after ninety days", async () => {
    let instant = 0;
    const portal = hubspotPortal({ now: () => new Date(instant) });
    const { note } = noted(portal);
    const read = (archived: boolean) =>
      ask(portal, "POST", `${objects}/notes/batch/read?archived=${archived}`, reading(note));
    expect((await read(false)).body).toMatchObject({
      results: [{ id: note, properties: { hs_note_body: "Called." } }],
    });
    expect((await ask(portal, "POST", `${objects}/notes/batch/archive`, inputs(note))).status).toBe(204);
    expect((await read(false)).body).toMatchObject({ numErrors: 1, errors: [{ context: { ids: [note] } }] });
    expect((await read(true)).status).toBe(200);
    expect(portal.search("Called.")).toEqual([`archived notes ${note}`]);
    instant = 90 * 86_400_000;
    expect((await read(true)).status).toBe(207);
  });

  it("is none of another type's, and takes at most a hundred at a time", async () => {
    const portal = hubspotPortal();
    const { note } = noted(portal);
    expect((await ask(portal, "POST", `${objects}/calls/batch/read`, reading(note))).status).toBe(207);
    const many = Array.from({ length: 101 }, String);
    expect((await ask(portal, "POST", `${objects}/notes/batch/read`, reading(...many))).status).toBe(400);
    expect((await ask(portal, "POST", `${objects}/notes/batch/archive`, inputs(...many))).status).toBe(400);
  });

  it.each([204, 404] as const)(
    "that is not there is archived with %i when the switch says so",
    async (status) => {
      const portal = hubspotPortal({ archiveUnknown: status });
      const { note } = noted(portal);
      const { status: answered } = await ask(
        portal,
        "POST",
        `${objects}/notes/batch/archive`,
        inputs(note, "999"),
      );
      expect(answered).toBe(status);
      expect(portal.search("Called.")).toEqual([`${status === 204 ? "archived " : ""}notes ${note}`]);
    },
  );

  it("is associated both ways, until it is archived, and says so itself", async () => {
    const portal = hubspotPortal();
    const { contact, note } = noted(portal);
    const there = await ask(portal, "POST", `${associations}/contacts/notes/batch/read`, inputs(contact));
    expect(there.body).toMatchObject({
      results: [{ from: { id: contact }, to: [{ toObjectId: Number(note) }] }],
    });
    const back = await ask(portal, "POST", `${associations}/notes/contacts/batch/read`, inputs(note));
    expect(back.body).toMatchObject({ results: [{ to: [{ toObjectId: Number(contact) }] }] });
    const own = await ask(portal, "GET", `${objects}/notes/${note}?associations=contacts`);
    expect(own.body).toMatchObject({ associations: { contacts: { results: [{ id: contact }] } } });
    portal.archive(note);
    expect((await ask(portal, "GET", `${objects}/notes/${note}?associations=contacts`)).status).toBe(404);
  });

  it("that has no contact is named or omitted, as the switch says", async () => {
    const answers = [];
    for (const withoutAssociations of ["named", "omitted"] as const) {
      const portal = hubspotPortal({ withoutAssociations });
      const note = portal.addEngagement({ type: "notes", body: "Nobody's.", contactIds: [] });
      const path = `${associations}/notes/contacts/batch/read`;
      const { status, body } = await ask(portal, "POST", path, inputs(note));
      answers.push({ status, body });
    }
    expect(answers).toMatchObject([
      { status: 207, body: { results: [], errors: [{ context: { fromObjectId: ["101"] } }] } },
      { status: 200, body: { results: [] } },
    ]);
  });
});

describe("associations and lists", () => {
  it("come a page at a time", async () => {
    const portal = hubspotPortal({ pageSize: 2 });
    const contact = portal.addContact({ email: "anna@example.org" });
    for (let at = 0; at < 3; at += 1) {
      portal.addEngagement({ type: "notes", body: `${at}`, contactIds: [contact] });
      portal.addList({ name: `${at}`, contactIds: [contact] });
    }
    const path = `${associations}/contacts/notes/batch/read`;
    const first = await ask(portal, "POST", path, inputs(contact));
    expect(first.body).toMatchObject({ results: [{ paging: { next: { after: "2" } } }] });
    const second = await ask(portal, "POST", path, { inputs: [{ id: contact, after: "2" }] });
    expect(second.body).toMatchObject({ results: [{ to: [expect.anything()] }] });
    const lists = `/crm/lists/2026-09/records/0-1/${contact}/memberships`;
    expect((await ask(portal, "GET", lists)).body).toMatchObject({ paging: { next: { after: "2" } } });
    const rest = await ask(portal, "GET", `${lists}?after=2`);
    expect(rest.body).toMatchObject({ results: [expect.anything()] });
    expect(rest.body).not.toHaveProperty("paging");
  });

  it("go with the contact when it is deleted for good", async () => {
    const portal = hubspotPortal();
    const { contact } = noted(portal);
    portal.addList({ name: "Guests", contactIds: [contact] });
    expect(portal.dossier("anna@example.org").lists).toMatchObject([{ contactIds: [contact] }]);
    await ask(portal, "POST", `${objects}/contacts/gdpr-delete`, { objectId: contact });
    expect(portal.dossier("anna@example.org").lists).toEqual([]);
    expect(portal.search("Called.")).toEqual([expect.stringMatching(/^notes/)]);
  });
});

describe("scopes of objects", () => {
  it("are asked for by type, and hide the text of e-mails", async () => {
    const scopes = allScopes.filter((scope) => scope !== "tickets" && scope !== "sales-email-read");
    const portal = hubspotPortal({ scopes });
    const contact = portal.addContact({ email: "anna@example.org" });
    const mail = portal.addEngagement({ type: "emails", body: "Hi.", contactIds: [contact] });
    expect(
      (await ask(portal, "POST", `${associations}/contacts/tickets/batch/read`, inputs(contact))).status,
    ).toBe(403);
    const body = { ...inputs(mail), properties: ["hs_email_text"], propertiesWithHistory: [] };
    const shown = await ask(portal, "POST", `${objects}/emails/batch/read`, body);
    expect(JSON.stringify(shown.body)).not.toContain("Hi.");
  });
});

describe("sensitive properties", () => {
  it("are listed when they are asked for, with their scope, and their values are hidden without it", async () => {
    const list = "/crm/properties/2026-09/contacts";
    const options = { sensitiveProperties: ["illness"] };
    const open = hubspotPortal(options);
    const id = open.addContact({ email: "anna@example.org", properties: { illness: "flu" } });
    expect(JSON.stringify((await ask(open, "GET", list)).body)).not.toContain("illness");
    expect((await ask(open, "GET", `${list}?dataSensitivity=sensitive`)).body).toMatchObject({
      results: [{ name: "illness" }],
    });
    const asking = { inputs: [{ id }], properties: ["illness"], propertiesWithHistory: ["illness"] };
    const read = (portal: HubspotPortal) => ask(portal, "POST", `${objects}/contacts/batch/read`, asking);
    expect(JSON.stringify((await read(open)).body)).toContain("flu");
    const closed = hubspotPortal({ ...options, scopes: ["crm.objects.contacts.read"] });
    closed.addContact({ email: "anna@example.org", properties: { illness: "flu" } });
    expect((await ask(closed, "GET", `${list}?dataSensitivity=sensitive`)).status).toBe(403);
    expect((await read(closed)).status).toBe(200);
    expect(JSON.stringify((await read(closed)).body)).not.toContain("flu");
  });
});

describe("required properties", () => {
  it("are demanded from version 2026-09 on, and named", async () => {
    const portal = hubspotPortal({ requiredProperties: [{ property: "city" }] });
    const id = portal.addContact({ email: "anna@example.org" });
    const change = { properties: { phone: "1" } };
    expect((await ask(portal, "PATCH", `${objects}/contacts/${id}`, change)).body).toMatchObject({
      errors: [{ code: "MISSING_REQUIRED_PROPERTY", context: { propertyName: ["city"] } }],
    });
    expect((await ask(portal, "PATCH", `/crm/objects/2026-03/contacts/${id}`, change)).status).toBe(200);
  });
});
