import { describe, expect, it } from "vitest";
import { askPortal } from "../test/ask-portal.ts";
import { openCompany } from "../test/company.ts";

const people = Array.from({ length: 200 }, (_, at) => `p${at}@example.org`);
const objection = { right: "objection", recipient: "crm" } as const;
type Company = ReturnType<typeof openCompany>;

function populate({ portal }: Company): void {
  for (const email of people) {
    portal.addContact({ email });
    portal.choose(email, "4711", "SUBSCRIBED");
  }
}

async function unsubscribeAll({ heed, settle }: Company): Promise<void> {
  await heed.subscriptions.unsubscribeMany(
    people.map((email) => ({ subject: { email }, topic: "product-news" as const })),
  );
  await settle();
}

/** Calls that were made for people, without those of `check()`, which is asked once an hour. */
function countFor({ portal }: Company, route: string | RegExp): number {
  return portal.countCalls(route);
}

const states = async ({ rows }: Company) => {
  const steps = await rows("steps");
  return Object.fromEntries(
    [...Map.groupBy(steps, ({ operation, state }) => `${operation} ${state}`)].map(([key, some]) => [
      key,
      some.length,
    ]),
  );
};

describe("two hundred opt-outs through the engine", () => {
  it("take three calls a hundred at an Enterprise account", async () => {
    const company = openCompany({ tier: "enterprise" });
    populate(company);
    await unsubscribeAll(company);
    expect(await states(company)).toEqual({ "unsubscribe verified": 200 });
    expect(people.every((email) => company.portal.status(email, "4711") === "UNSUBSCRIBED")).toBe(true);
    expect(countFor(company, "batch/write")).toBe(2);
    // The check reads nobody once.
    expect(countFor(company, "contacts/batch/read") - 1).toBe(4);
    expect(countFor(company, "GET /communication-preferences/:version/statuses")).toBe(0);
    expect(company.portal.calls.filter(({ answered }) => answered === 429)).toEqual([]);
  });

  it("take one call each and two a hundred at any other", async () => {
    const company = openCompany();
    populate(company);
    await unsubscribeAll(company);
    expect(await states(company)).toEqual({ "unsubscribe verified": 200 });
    // The check writes to nobody once.
    expect(countFor(company, "POST /communication-preferences/:version/statuses/:email") - 1).toBe(200);
    expect(countFor(company, "contacts/batch/read") - 1).toBe(4);
    expect(countFor(company, "GET /communication-preferences/:version/statuses")).toBe(0);
    expect(countFor(company, "batch/write")).toBe(0);
    expect(company.portal.calls.filter(({ answered }) => answered === 429)).toEqual([]);
  });
});

describe("a hundred erasures through the engine", () => {
  it("take one call each, and what is read is read by the hundred, once", async () => {
    const company = openCompany({ tier: "enterprise" });
    populate(company);
    for (const email of people.slice(0, 100))
      await company.heed.requests.open({ right: "erasure", subject: { email }, identity: "signed-in" });
    await company.settle();
    expect(await states(company)).toEqual({
      "unsubscribe verified": 100,
      "erase verified": 200,
    });
    expect(company.portal.search("example.org")).toHaveLength(200);
    expect(countFor(company, "gdpr-delete")).toBe(100);
    // To stop use: found and read back. To erase: live and archived; then, twice, live by address, and live and archived by id.
    expect(countFor(company, "contacts/batch/read") - 1).toBe(2 + 2 + 2 * 3);
    for (const type of ["notes", "calls", "emails", "tasks", "meetings"])
      expect(countFor(company, `contacts/${type}/batch/read`)).toBe(1);
    expect(countFor(company, /:email|notes\/contacts|archive/)).toBe(1);
  });
});

describe("an erasure through the engine", () => {
  it("is carried out beside several notes of one contact, and says what it left and why", async () => {
    const company = openCompany();
    const { portal, heed, settle } = company;
    const id = portal.addContact({ email: "anna@example.org", additionalEmails: ["anna.b@example.net"] });
    for (let at = 0; at < 3; at += 1)
      portal.addEngagement({ type: "notes", body: `Note ${at} about anna@example.org`, contactIds: [id] });
    const bo = portal.addContact({ email: "bo@example.org" });
    portal.addEngagement({ type: "meetings", body: "anna@example.org met bo", contactIds: [id, bo] });
    const { id: requestId } = await heed.requests.open({
      right: "erasure",
      subject: { email: "anna@example.org" },
      identity: "signed-in",
    });
    await settle();
    const request = await heed.requests.get(requestId);
    expect(request.state).toBe("partially_fulfilled");
    expect(request.steps.find(({ operation }) => operation === "erase")).toMatchObject({
      state: "retained",
      finding: "as-asked",
    });
    expect(portal.search("anna")).toEqual([
      ...[102, 103, 104].map((note) => `archived notes ${note}`),
      "meetings 106",
    ]);
    expect(portal.countCalls("gdpr-delete")).toBe(1);
  });
});

describe("a deletion that HubSpot only says it did", () => {
  it.each(["erase", "exclude"] as const)(
    "is seen where the address is another by then: %s",
    async (operation) => {
      const company = openCompany();
      const { portal, heed, settle } = company;
      const subject = { email: "anna@example.org" };
      const id = portal.addContact({ ...subject, properties: { firstname: "Anna-Canary" } });
      portal.addContact({ email: "bo@example.org" });
      const bystander = JSON.stringify(portal.dossier("bo@example.org"));
      portal.inject({ method: "POST", path: "gdpr-delete", fault: { status: 204 } });
      const path = `/crm/objects/2026-09/contacts/${id}`;
      let isCorrected = false;
      /** A colleague corrects it between the deletion and the look. */
      const correct = async () => {
        if (isCorrected || portal.countCalls("gdpr-delete") === 0) return;
        isCorrected = true;
        await askPortal(portal, "PATCH", path, { properties: { email: "anna@example.net" } });
      };
      for (let at = 0; at < 100; at += 1) company.during(at, correct);
      const right = operation === "erase" ? ({ right: "erasure" } as const) : objection;
      const request = await heed.requests.open({ ...right, subject, identity: "signed-in" });
      await settle();
      expect(isCorrected).toBe(true);
      expect((await heed.requests.get(request.id)).state).toBe("fulfilled");
      expect(portal.countCalls("gdpr-delete")).toBe(2);
      expect(portal.search("Anna-Canary")).toEqual([]);
      expect(JSON.stringify(portal.dossier("bo@example.org"))).toBe(bystander);
    },
  );
});

describe("an old consent through the engine", () => {
  it("ends with a human, and the newer opt-out at HubSpot stands", async () => {
    const company = openCompany();
    const { portal, heed, settle, clock } = company;
    const at = new Date(clock.now().getTime() - 60_000).toISOString();
    portal.choose("anna@example.org", "4711", "UNSUBSCRIBED");
    await heed.subscriptions.subscribe({
      subject: { email: "anna@example.org" },
      topic: "product-news",
      evidence: { noticeVersion: "1" },
      at,
    });
    await settle();
    expect(await states(company)).toEqual({ "subscribe manual": 1 });
    expect(portal.status("anna@example.org", "4711")).toBe("UNSUBSCRIBED");
    const [parked] = await heed.steps.parked();
    expect(parked?.instruction).toMatch(/no older than the consent, so it stands/);
  });

  it("is carried out where nothing newer is at HubSpot", async () => {
    const company = openCompany();
    const { portal, heed, settle, clock } = company;
    portal.choose("anna@example.org", "4711", "UNSUBSCRIBED");
    await clock.advance(60_000);
    await heed.subscriptions.subscribe({
      subject: { email: "anna@example.org" },
      topic: "product-news",
      evidence: { noticeVersion: "1" },
    });
    await settle();
    expect(await states(company)).toEqual({ "subscribe verified": 1 });
    expect(portal.status("anna@example.org", "4711")).toBe("SUBSCRIBED");
  });
});

describe("an address that joins a contact after the opt-out", () => {
  it("is found when that is read back, and silenced too", async () => {
    const company = openCompany();
    const { portal, heed, settle, clock } = company;
    const id = portal.addContact({ email: "anna@example.org" });
    await heed.subscriptions.unsubscribe({ subject: { email: "anna@example.org" }, topic: "product-news" });
    await heed.work.drain();
    portal.merge(id, portal.addContact({ email: "anna.b@example.net" }));
    await settle();
    expect(await states(company)).toEqual({ "unsubscribe verified": 1 });
    expect(portal.status("anna.b@example.net", "4711")).toBe("UNSUBSCRIBED");
    expect(clock.now().toISOString() > "2026-11-21T10:00:30").toBe(true);
  });
});
