import { describe, expect, it } from "vitest";
import { askPortal } from "../test/ask-portal.ts";
import { openCompany } from "../test/company.ts";
import type { HubspotPortalOptions, PortalEvent } from "./testing/index.ts";

const email = "anna.canary@example.org";
const subject = { email };
const topic = "product-news";
const evidence = { noticeVersion: "1" };
const url = "https://heed.example/webhooks/hubspot";

/** Anna is at HubSpot under two addresses, and Ben is whom nothing of this is about. */
async function open(options: HubspotPortalOptions = {}, settlingMs = 0) {
  const company = openCompany(options, { settlingMs, burst: 150 });
  const { portal, heed, clock, settle } = company;
  portal.addContact({ email, additionalEmails: ["anna.b.canary@example.net"] });
  portal.addContact({ email: "ben@example.org" });
  const bystander = JSON.stringify(portal.dossier("ben@example.org"));
  await clock.advance(600_000);
  const deliver = (events: readonly PortalEvent[]) =>
    heed.webhooks.receive("crm", portal.signed(url, events));
  return {
    ...company,
    deliver,
    /** All that HubSpot has to tell, once more. */
    async tell() {
      await deliver(portal.events);
      await settle();
    },
    async leave(right: "erasure" | "objection") {
      const how = right === "erasure" ? { right } : { right, recipient: "crm" as const };
      const { id } = await heed.requests.open({ ...how, subject, identity: "signed-in" });
      await settle();
      expect((await heed.requests.get(id)).state).toBe("fulfilled");
      await clock.advance(600_000);
    },
    /** A sync that does not ask. */
    async sync(address: string) {
      const contact = { properties: { email: address } };
      expect((await askPortal(portal, "POST", "/crm/objects/2026-09/contacts", contact)).status).toBe(201);
    },
    /** A sync that writes another address into a contact; what HubSpot tells of it. */
    async readdress(id: string, address: string): Promise<readonly PortalEvent[]> {
      const before = portal.events.length;
      const changed = await portal.answer(
        new Request(`https://api.hubapi.com/crm/objects/2026-09/contacts/${id}`, {
          method: "PATCH",
          headers: { Authorization: `Bearer ${portal.accessToken}` },
          body: JSON.stringify({ properties: { email: address } }),
        }),
      );
      expect(changed.status).toBe(200);
      return portal.events.slice(before);
    },
    told: async () => (await heed.steps.parked()).map(({ because }) => because),
    isThere: (address: string) => portal.search(address).some((place) => place.includes("contact ")),
    bystander: () => expect(JSON.stringify(portal.dossier("ben@example.org"))).toBe(bystander),
  };
}

describe.each<[string, HubspotPortalOptions]>([
  ["as HubSpot most likely is", {}],
  ["where an id that was deleted is deleted again", { deleteAgain: 204 }],
  ["where preferences outlive the contact", { preferencesAfterErasure: "kept" }],
  ["where a preference makes a contact", { preferenceCreatesContact: true }],
  ["where statuses show nobody", { statusesShowExplanation: false }],
])("a contact that is made anew, %s", (_how, options) => {
  it.each(["erasure", "objection"] as const)(
    "by a sync or a form, after an %s, is told to a human, and stays until they decide",
    async (right) => {
      for (const by of ["sync", "form"] as const) {
        const { portal, heed, leave, sync, tell, told, isThere, rows, search, bystander } =
          await open(options);
        await leave(right);
        expect([isThere(email), portal.isBlocked(email)]).toEqual([false, true]);
        if (by === "sync") await sync(email);
        else portal.addContact({ email });
        await tell();
        await tell();
        expect(await told()).toEqual(["stored-again"]);
        expect(isThere(email)).toBe(true);
        bystander();
        const parked = await heed.steps.parked();
        expect(parked[0]?.instruction).toMatch(/"crm"/);
        expect(JSON.stringify([parked, await rows("evidence")])).not.toContain("canary");
        expect(await search("canary")).toEqual([]);
        await leave(right);
        expect(isThere(email)).toBe(false);
        await heed.steps.retry(parked[0]?.id ?? "");
        await tell();
        expect(await told()).toEqual([]);
        bystander();
      }
    },
  );

  it("is told of by its other address too", async () => {
    const { portal, leave, tell, told } = await open(options);
    await leave("objection");
    portal.addContact({ email: "anna.b.canary@example.net" });
    await tell();
    expect(await told()).toEqual(["stored-again"]);
  });

  it("is nothing of anybody else, nor of whoever wants to be there again", async () => {
    const { portal, heed, leave, sync, tell, told, settle, rows, isThere } = await open(options);
    await sync("cleo.canary@example.org");
    await tell();
    expect([await told(), await rows("subjects"), await rows("dataKeys")]).toEqual([[], [], []]);
    await leave("erasure");
    await heed.subscriptions.subscribe({ subject, topic, evidence });
    await settle();
    if (!isThere(email)) portal.addContact({ email });
    await tell();
    // Where HubSpot has kept an opt-out, subscribing them is a human's, and that is told besides.
    expect(await told()).not.toContain("stored-again");
    expect(isThere(email)).toBe(true);
  });

  it("is nothing where it was heed that told HubSpot of an opt-out", async () => {
    const { heed, clock, leave, tell, told, settle, isThere } = await open(options);
    await leave("erasure");
    await heed.subscriptions.unsubscribe({ subject, topic });
    await settle();
    await clock.advance(600_000);
    await tell();
    expect([await told(), isThere(email)]).toEqual([[], options.preferenceCreatesContact === true]);
  });
});

describe("a contact of somebody who was taken out", () => {
  it("is told where one that was there is given their address", async () => {
    const { portal, heed, leave, deliver, settle, told, isThere, readdress, search, rows, bystander } =
      await open();
    const other = portal.addContact({ email: "cleo@example.org" });
    await leave("erasure");
    const changed = await readdress(other, email);
    expect(changed).toMatchObject([{ propertyName: "email", propertyValue: email }]);
    await deliver(changed);
    await settle();
    expect([await told(), isThere(email)]).toEqual([["stored-again"], true]);
    expect(JSON.stringify([await heed.steps.parked(), await rows("evidence")])).not.toContain("canary");
    expect(await search("canary")).toEqual([]);
    bystander();
  });

  it("is told where it is another address of one that was there", async () => {
    const { portal, leave, deliver, settle, told, readdress } = await open();
    await leave("objection");
    const other = portal.addContact({ email: "cleo@example.org", additionalEmails: [email] });
    const [event] = await readdress(other, "cleo.b@example.org");
    await deliver([{ ...event!, propertyName: "hs_additional_emails", propertyValue: email }]);
    await settle();
    expect(await told()).toEqual(["stored-again"]);
  });

  it("is nothing where one is given an address of nobody who left", async () => {
    const { portal, leave, tell, told, readdress } = await open();
    const other = portal.addContact({ email: "cleo@example.org" });
    await leave("erasure");
    await readdress(other, "cleo.b@example.org");
    await tell();
    expect(await told()).toEqual([]);
  });

  it.each(["object.creation", "object.restore", "object.propertyChange"])(
    "is told in HubSpot's generic form too, and no other object by that number is (%s)",
    async (subscriptionType) => {
      const { portal, leave, deliver, settle, told, readdress } = await open();
      const other = portal.addContact({ email: "cleo@example.org" });
      await leave("objection");
      const [event] = await readdress(other, email);
      const generic = { ...event!, subscriptionType };
      // A company, a custom object, and one that HubSpot does not name.
      for (const objectTypeId of ["0-2", "2-3465404", undefined])
        expect(
          await deliver([{ ...generic, ...(objectTypeId === undefined ? {} : { objectTypeId }) }]),
        ).toEqual({
          sightings: 0,
          fresh: 0,
        });
      await deliver([{ ...generic, objectTypeId: "0-1" }]);
      await settle();
      expect(await told()).toEqual(["stored-again"]);
    },
  );

  it("is told when it is brought back out of the archive", async () => {
    const { portal, leave, deliver, settle, told } = await open();
    await leave("objection");
    const again = portal.addContact({ email });
    portal.archive(again);
    portal.restore(again);
    await deliver(portal.events.filter(({ subscriptionType }) => subscriptionType === "contact.restore"));
    await settle();
    expect(await told()).toEqual(["stored-again"]);
  });

  it("is told also where HubSpot tells of it before it shows it", async () => {
    const { portal, heed, leave, sync, deliver, settle, told } = await open({ lagMs: 20_000 }, 30_000);
    await leave("objection");
    await sync(email);
    await deliver(portal.events);
    await heed.work.drain();
    expect(await told()).toEqual([]);
    await settle();
    expect(await told()).toEqual(["stored-again"]);
  });

  it("is looked for in one call for a hundred, and nobody's preferences are read for it", async () => {
    const { portal, leave, deliver, settle, told, sync } = await open();
    await leave("objection");
    const before = portal.events.length;
    for (let at = 0; at < 99; at += 1) portal.addContact({ email: `person${at}@example.org` });
    await sync(email);
    const calls = portal.calls.length;
    await deliver(portal.events.slice(before));
    await settle();
    expect(await told()).toEqual(["stored-again"]);
    const looked = portal.calls.slice(calls).filter(({ path }) => /batch\/read|statuses/.test(path));
    expect(looked.length).toBe(1);
  });
});
