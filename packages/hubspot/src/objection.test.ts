import { describe, expect, it } from "vitest";
import { openCompany } from "../test/company.ts";
import type { HubspotPortalOptions } from "./testing/index.ts";

const email = "anna@example.org";
const subject = { email };
const topic = "product-news";
const evidence = { noticeVersion: "1" };
const url = "https://heed.example/webhooks/hubspot";

/** Anna gets the news, under one of the two addresses that HubSpot has of her. */
async function open(options: HubspotPortalOptions = {}) {
  const company = openCompany(options, { settlingMs: 0 });
  const { portal, heed, clock, settle } = company;
  const id = portal.addContact({ email, additionalEmails: ["anna.b@example.net"] });
  await heed.subscriptions.subscribe({ subject, topic, evidence });
  await settle();
  await clock.advance(600_000);
  return {
    ...company,
    id,
    object: () =>
      heed.requests.open({ right: "objection", recipient: "crm", subject, identity: "signed-in" }),
    deliver: () => heed.webhooks.receive("crm", portal.signed(url, portal.events)),
    state: async () => (await heed.subscriptions.state({ subject, topic })).state,
  };
}

describe("an objection to being at HubSpot", () => {
  it("removes the contact for good, and keeps out every address that it had", async () => {
    const { portal, heed, settle, object } = await open();
    portal.addContact({ email: "ben@example.org" });
    const { id } = await object();
    await settle();
    expect((await heed.requests.get(id)).state).toBe("fulfilled");
    expect(portal.search("anna")).toEqual([]);
    expect(portal.search("ben@example.org")).not.toEqual([]);
    const isKeptOut = async (address: string) =>
      (await heed.suppression.check({ email: address, recipient: "crm" })).suppressed;
    expect([await isKeptOut(email), await isKeptOut("anna.b@example.net")]).toEqual([true, true]);
    expect(await isKeptOut("ben@example.org")).toBe(false);
    // They are silenced nowhere else.
    expect(await heed.suppression.check({ email: "anna.b@example.net" })).toEqual({ suppressed: false });
  });

  it("is no opt-out of the person's, when HubSpot's webhook tells of the one that comes before the removal", async () => {
    const { portal, clock, settle, object, deliver, state } = await open({ statusesShowExplanation: false });
    portal.inject({ path: "gdpr-delete", fault: { status: 503, body: "" }, times: 20 });
    await object();
    await settle(60_000);
    expect(portal.isOptedOutOfAll(email)).toBe(true);
    await clock.advance(1_000);
    await deliver();
    await settle(60_000);
    expect(await state()).toBe("given");
    portal.heal();
    await settle();
    expect([await state(), portal.search("anna")]).toEqual(["given", []]);
  });

  it("that is lifted has HubSpot told of the yes that stands", async () => {
    const { portal, heed, clock, settle, object } = await open({ preferenceCreatesContact: true });
    await object();
    await settle();
    expect([portal.isOptedOutOfAll(email), portal.status(email, "4711")]).not.toContain("SUBSCRIBED");
    await clock.advance(60_000);
    const about = { subject, recipient: "crm", identity: "signed-in" } as const;
    expect(await heed.suppression.lift(about)).toMatchObject({ changed: true, steps: [expect.any(String)] });
    await settle();
    expect(await heed.steps.parked()).toEqual([]);
    expect(portal.status(email, "4711")).toBe("SUBSCRIBED");
    expect(await heed.suppression.check({ email, recipient: "crm" })).toEqual({ suppressed: false });
  });

  it("has nobody made there anew under another address that the contact had", async () => {
    const { portal, heed, settle, object } = await open({ preferenceCreatesContact: true });
    await object();
    await settle();
    const other = { email: "anna.b@example.net" };
    const yes = await heed.subscriptions.subscribe({ subject: other, topic, evidence });
    expect(yes).toMatchObject({ changed: true, steps: [], untold: ["crm"] });
    await settle();
    expect(portal.search("anna")).toEqual([]);
  });

  it("has nobody subscribed there under that address whom a form has brought back", async () => {
    const { portal, heed, clock, settle, object, deliver } = await open();
    await object();
    await settle();
    const other = { email: "anna.b@example.net" };
    portal.addContact(other);
    portal.choose(other.email, "4711", "UNSUBSCRIBED");
    await clock.advance(600_000);
    // Newer than the no: HubSpot has something else than the ledger.
    await heed.subscriptions.subscribe({ subject: other, topic, evidence });
    await deliver();
    await settle();
    expect((await heed.subscriptions.state({ subject: other, topic })).state).toBe("given");
    expect(portal.status(other.email, "4711")).toBe("UNSUBSCRIBED");
  });

  it("has nobody subscribed there whom a form has brought back, whatever they want elsewhere", async () => {
    const { portal, heed, clock, settle, object, deliver, state } = await open();
    await object();
    await settle();
    portal.addContact({ email });
    await heed.subscriptions.unsubscribe({ subject, topic });
    await settle();
    expect(portal.status(email, "4711")).toBe("UNSUBSCRIBED");
    await clock.advance(1_000);
    const yes = await heed.subscriptions.subscribe({ subject, topic, evidence });
    expect(yes).toMatchObject({ steps: [], untold: ["crm"] });
    // The echo of heed's own opt-out: HubSpot has something else than the ledger.
    await deliver();
    await settle();
    expect([await state(), portal.status(email, "4711")]).toEqual(["given", "UNSUBSCRIBED"]);
  });
});
