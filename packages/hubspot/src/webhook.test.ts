import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openCompany } from "../test/company.ts";
import { hubspot } from "./hubspot.ts";
import { hubspotPortal, type HubspotPortalOptions, type PortalEvent } from "./testing/index.ts";

const url = "https://heed.example/webhooks/hubspot";
const email = "anna.canary@example.org";
const subject = { email };
const topic = "product-news";
const evidence = { noticeVersion: "1" };

function company(options: HubspotPortalOptions = {}, portalAheadMs = 0) {
  const open = openCompany(options, { settlingMs: 0, portalAheadMs });
  const contactId = open.portal.addContact({ email });
  const deliver = (events: readonly PortalEvent[]) =>
    open.heed.webhooks.receive("crm", open.portal.signed(url, events));
  const state = async () => (await open.heed.subscriptions.state({ subject, topic })).state;
  return { ...open, contactId, deliver, state };
}

describe("a webhook of HubSpot", () => {
  it("brings an opt-out into the ledger that was made on HubSpot's page", async () => {
    const { portal, heed, clock, deliver, settle, state } = company();
    await heed.subscriptions.subscribe({ subject, topic, evidence });
    await settle();
    await clock.advance(600_000);
    portal.choose(email, "4711", "UNSUBSCRIBED");
    await deliver(portal.events);
    await settle();
    expect([await state(), portal.status(email, "4711")]).toEqual(["not-given", "UNSUBSCRIBED"]);
  });

  it("brings a second one in, after the person came back, and each of them once", async () => {
    const { portal, heed, clock, deliver, settle, state, rows } = company();
    for (const round of [1, 2]) {
      await heed.subscriptions.subscribe({ subject, topic, evidence });
      await settle();
      await clock.advance(600_000);
      portal.choose(email, "4711", "UNSUBSCRIBED");
      await clock.advance(60_000);
      const optOuts = portal.events.filter(({ propertyValue }) => propertyValue === "true");
      expect(optOuts).toHaveLength(round);
      expect(await deliver(optOuts)).toEqual({ sightings: round, fresh: 1 });
      expect(await deliver(optOuts)).toEqual({ sightings: round, fresh: 0 });
      await settle();
      expect(await state()).toBe("not-given");
      await clock.advance(60_000);
    }
    expect((await rows("events")).map(({ kind }) => kind)).toEqual([
      "given",
      "withdrawn",
      "given",
      "withdrawn",
    ]);
  });

  it("brings one from everything in as one from all marketing", async () => {
    const { portal, heed, clock, deliver, settle, rows } = company();
    await heed.subscriptions.subscribe({ subject, topic, evidence });
    await settle();
    await clock.advance(600_000);
    portal.optOutOfAll(email);
    await deliver(portal.events);
    await settle();
    expect((await rows("events")).map(({ kind, scope }) => [kind, scope])).toEqual([
      ["given", "topic"],
      ["withdrawn", "all"],
    ]);
  });

  it.each([
    ["shows who filed it", {}, 240_000],
    ["shows nobody", { statusesShowExplanation: false }, 20_000],
  ] as const)(
    "that is an echo of heed's own opt-out silences nobody who came back meanwhile, where HubSpot %s",
    async (_how, options, aheadMs) => {
      const { portal, heed, clock, deliver, settle, state, rows } = company(options, aheadMs);
      await heed.subscriptions.unsubscribe({ subject, topic });
      await settle();
      await clock.advance(1_000);
      await heed.subscriptions.subscribe({ subject, topic, evidence });
      // By HubSpot's clock, the opt-out is the later one; and it is looked at before the consent gets there.
      await deliver(portal.events);
      portal.inject({ path: /\/statuses\//, method: "POST", fault: { status: 503, body: "" }, times: 1 });
      await settle();
      expect((await rows("steps")).some((step) => step.operation === "observe")).toBe(true);
      expect([await state(), (await rows("events")).length]).toEqual(["given", 2]);
    },
  );

  it("of a merge has the joined addresses looked at", async () => {
    const { portal, contactId, deliver, settle, state } = company();
    const other = portal.addContact({ email: "anna.b@example.net" });
    portal.choose("anna.b@example.net", "4711", "UNSUBSCRIBED");
    portal.merge(contactId, other);
    await deliver(portal.events.filter(({ subscriptionType }) => subscriptionType === "contact.merge"));
    await settle();
    expect(await state()).toBe("not-given");
  });

  it.each([
    ["forged", (request: Request) => request.headers.set("x-hubspot-signature-v3", "AAAA")],
    ["too old", (request: Request) => request.headers.set("x-hubspot-request-timestamp", "1")],
    ["unsigned", (request: Request) => request.headers.delete("x-hubspot-signature-v3")],
  ])("is refused when its signature is %s", async (_how, spoil) => {
    const { portal, heed, rows } = company();
    portal.choose(email, "4711", "UNSUBSCRIBED");
    const request = portal.signed(url, portal.events);
    spoil(request);
    await expect(heed.webhooks.receive("crm", request)).rejects.toMatchObject({
      name: "TamperedEvidenceError",
    });
    expect(await rows("sightings")).toEqual([]);
  });

  it("tells nothing of another portal, of an unbound list, or of anything else", async () => {
    const { portal, contactId, deliver, rows } = company();
    portal.choose(email, "4711", "UNSUBSCRIBED");
    const event = portal.events.at(-1);
    const others = [
      { ...event!, portalId: 1 },
      { ...event!, propertyName: "hs_email_optout_99" },
      { ...event!, propertyName: "firstname", propertyValue: "canary" },
      { ...event!, subscriptionType: "deal.creation", objectId: Number(contactId) },
    ];
    expect(await deliver(others)).toEqual({ sightings: 0, fresh: 0 });
    expect(await rows("steps")).toEqual([]);
  });

  it("is taken only with the app's secret", () => {
    const portal = hubspotPortal();
    const { accessToken, portalId } = portal;
    expect(hubspot({ accessToken, portalId, topics: {} }).webhook).toBeUndefined();
  });
});

describe("an event of HubSpot", () => {
  const portal = hubspotPortal();
  const { accessToken, portalId } = portal;
  const { webhook } = hubspot({
    accessToken,
    portalId,
    topics: { news: { subscriptionId: "4711" }, offers: { subscriptionId: "4712" } },
    webhooks: { clientSecret: "stand-in-secret" },
  });
  const occurredAt = Date.parse("2026-11-22T11:59:00.000Z");
  const event = (about: Partial<PortalEvent>): PortalEvent => ({
    eventId: 1,
    subscriptionId: 12,
    portalId: Number(portalId),
    attemptNumber: 0,
    changeSource: "CRM",
    subscriptionType: "contact.propertyChange",
    objectId: 101,
    occurredAt,
    ...about,
  });
  const told = async (...events: readonly PortalEvent[]) =>
    (await webhook?.(portal.signed(url, events), new Date())) ?? [];

  it.each([
    ["hs_email_optout_4711", "true", { saw: "opted-out", topics: ["news"] }],
    ["hs_email_optout_4712", "false", { saw: "opted-in", topics: ["offers"] }],
    ["hs_email_optout", "true", { saw: "opted-out", topics: "all" }],
    ["business_unit_optout_7", "true", { saw: "opted-out", topics: "all" }],
  ])("of the property %s, now %s, tells of that choice", async (propertyName, propertyValue, choice) => {
    const claimedAt = new Date(occurredAt).toISOString();
    const about = [{ kind: "hubspotContactId", value: "101" }];
    expect(await told(event({ propertyName, propertyValue }))).toEqual([
      { id: `${portalId}:12:101:${propertyName}:${occurredAt}`, claimedAt, subject: about, ...choice },
    ]);
  });

  it.each([
    ["contact.privacyDeletion", {}, "gone", "101"],
    ["contact.deletion", {}, "gone", "101"],
    ["contact.merge", {}, "merged", "101"],
    ["contact.merge", { newObjectId: 303 }, "merged", "303"],
    ["contact.creation", {}, "record-stored", "101"],
    ["contact.restore", {}, "record-stored", "101"],
  ])("%s with %j tells of what is %s: contact %s", async (subscriptionType, more, saw, id) => {
    const subject = [{ kind: "hubspotContactId", value: id }];
    expect(await told(event({ subscriptionType, ...more }))).toMatchObject([{ saw, subject }]);
  });

  it("is another one where another property of the contact changed in the same instant", async () => {
    const names = ["hs_email_optout", "hs_email_optout_4711", "hs_email_optout_4712"];
    const changes = names.map((propertyName) => event({ propertyName, propertyValue: "true" }));
    const sightings = await told(...changes, ...changes);
    expect(sightings).toHaveLength(6);
    expect(new Set(sightings.map(({ id }) => id)).size).toBe(3);
  });
});

interface Portal extends HubspotPortalOptions {
  /** How far apart the acts are. */
  readonly betweenMs: number;
  /** How far HubSpot's clock is ahead. Then nobody presses a button there: by whose clock would that be later? */
  readonly aheadMs?: number;
}

describe.each<[string, Portal]>([
  ["HubSpot shows who filed a status", { betweenMs: 1_000 }],
  ["properties follow at once", { optOutPropertyDelayMs: 0, betweenMs: 1_000 }],
  ["HubSpot shows no explanation", { statusesShowExplanation: false, betweenMs: 600_000 }],
  ["HubSpot's clock is ahead", { aheadMs: 240_000, betweenMs: 1_000 }],
])("where %s", (_how, { betweenMs, aheadMs = 0, ...options }) => {
  it(
    "ledger and portal come to the last word, for any history of choices, outages and late echoes",
    { timeout: 60_000 },
    async () => {
      const act = fc.oneof(
        { weight: 4, arbitrary: fc.constantFrom("in", "out") },
        { weight: 2, arbitrary: fc.constant("press-out") },
        { weight: 3, arbitrary: fc.constant("work") },
        { weight: 2, arbitrary: fc.constantFrom("tell", "tell-some") },
        { weight: 1, arbitrary: fc.constantFrom("down", "up") },
      );
      await fc.assert(
        fc.asyncProperty(fc.array(act, { maxLength: 9 }), async (acts) => {
          const { portal, heed, clock, deliver, settle, state } = company(options, aheadMs);
          let last: "given" | "not-given" | undefined;
          for (const does of acts) {
            await clock.advance(betweenMs);
            if (does === "in") {
              await heed.subscriptions.subscribe({ subject, topic, evidence });
              last = "given";
            } else if (does === "out") {
              await heed.subscriptions.unsubscribe({ subject, topic });
              last = "not-given";
            } else if (does === "press-out") {
              if (aheadMs > 0) continue;
              // Where nothing changes there, nobody is told.
              if (portal.status(email, "4711") === "UNSUBSCRIBED") continue;
              portal.choose(email, "4711", "UNSUBSCRIBED");
              last = "not-given";
            } else if (does === "work") await heed.work.drain();
            else if (does === "tell") await deliver(portal.events.toReversed());
            else if (does === "tell-some") await deliver(portal.events.filter((_, at) => at % 2 === 0));
            else if (does === "down")
              portal.inject({ fault: { status: 503, body: "" }, times: Number.POSITIVE_INFINITY });
            else portal.heal();
          }
          portal.heal();
          for (let told = -1; told < portal.events.length;) {
            told = portal.events.length;
            await settle();
            await clock.advance(60_000);
            await deliver([...portal.events, ...portal.events.toReversed()]);
            await settle();
          }
          expect(await state()).toBe(last ?? "never-asked");
          if (last === undefined) return;
          expect(portal.status(email, "4711")).toBe(last === "given" ? "SUBSCRIBED" : "UNSUBSCRIBED");
        }),
        { numRuns: 25 },
      );
    },
  );
});
