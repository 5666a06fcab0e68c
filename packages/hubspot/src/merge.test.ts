import { describe, expect, it } from "vitest";
import { openCompany } from "../test/company.ts";
import type { HubspotPortalOptions } from "./testing/index.ts";

const email = "anna@example.org";
const other = "anna.b@example.net";
const subject = { email };
const topic = "product-news";
const url = "https://heed.example/webhooks/hubspot";

/** Anna, who is two contacts until somebody merges them; and Ben, whom nothing of this is about. */
async function open(options: HubspotPortalOptions) {
  // Nobody waits for a turn: each of these is played many times.
  const company = openCompany(options, { settlingMs: 0, burst: 150 });
  const { portal, heed, clock } = company;
  const ids = { own: portal.addContact({ email }), other: portal.addContact({ email: other }) };
  portal.addContact({ email: "ben@example.org" });
  portal.choose("ben@example.org", "4711", "SUBSCRIBED");
  portal.choose(other, "4711", "SUBSCRIBED");
  portal.choose(email, "4711", "SUBSCRIBED");
  await clock.advance(600_000);
  const bystander = JSON.stringify(portal.dossier("ben@example.org"));
  let isMerged = false;
  return {
    ...company,
    ids,
    bystander: () => expect(JSON.stringify(portal.dossier("ben@example.org"))).toBe(bystander),
    isMerged: () => isMerged,
    merge(into: "own" | "other") {
      const [first, second] = into === "own" ? [ids.own, ids.other] : [ids.other, ids.own];
      // Whoever is gone can be merged with nobody.
      if (portal.search(email).length === 0) return;
      portal.merge(first, second);
      isMerged = true;
    },
    deliver: () => heed.webhooks.receive("crm", portal.signed(url, portal.events)),
  };
}

type Company = Awaited<ReturnType<typeof open>>;

const erase = ({ heed }: Company, named: { email?: string; hubspotContactId?: string } = subject) =>
  heed.requests.open({ right: "erasure", subject: named, identity: "signed-in" });
const unsubscribe = ({ heed }: Company) => heed.subscriptions.unsubscribe({ subject, topic });

/** The calls, by number, that are about people, where nobody merges anything: those that prove the account come first. */
async function callsOf(options: HubspotPortalOptions, ask: (company: Company) => Promise<unknown>) {
  const company = await open(options);
  await company.heed.work.check();
  const checking = company.calls();
  await ask(company);
  await company.settle();
  const own = company.calls() - 2 * checking;
  expect(own).toBeGreaterThan(3);
  return Array.from({ length: own }, (_, at) => checking + at);
}

describe.each<[string, HubspotPortalOptions]>([
  ["under the first one's id", {}],
  ["under a new id, where the former ones find nothing", { mergedContact: "new-id", mergedIds: "gone" }],
])("a merge that goes on %s", (_how, options) => {
  describe.each(["own", "other"] as const)("into the person's %s contact", { timeout: 60_000 }, (into) => {
    it("before an erasure leaves nothing, whatever the person is named by", async () => {
      for (const named of [subject, { email: other }, "own", "other"] as const) {
        const company = await open(options);
        company.merge(into);
        const isId = typeof named === "string";
        // HubSpot may find nothing under an id that was merged away: then an address is needed.
        const isFound =
          options.mergedIds !== "gone" || (options.mergedContact === undefined && named === into);
        if (isId && !isFound) continue;
        await erase(company, isId ? { hubspotContactId: company.ids[named] } : named);
        await company.settle();
        expect([named, company.portal.search("anna")]).toEqual([named, []]);
        company.bystander();
      }
    });

    it("during an erasure, at whatever call, leaves nothing of the contact that is left", async () => {
      for (const at of await callsOf(options, erase)) {
        const company = await open(options);
        company.during(at, () => company.merge(into));
        const { id } = await erase(company);
        await company.settle();
        const { state } = await company.heed.requests.get(id);
        expect([at, state, company.portal.search(email)]).toEqual([at, "fulfilled", []]);
        // Two contacts that nobody joined are two people's.
        expect([at, company.portal.search(other).length === 0]).toEqual([at, company.isMerged()]);
        company.bystander();
      }
    });

    it("during an opt-out, at whatever call, and after it, silences every address by the time its webhook is looked into", async () => {
      for (const at of [...(await callsOf(options, unsubscribe)), "after"] as const) {
        const company = await open(options);
        if (at !== "after") company.during(at, () => company.merge(into));
        await unsubscribe(company);
        await company.settle();
        if (at === "after") company.merge(into);
        expect([at, company.isMerged()]).toEqual([at, true]);
        await company.clock.advance(60_000);
        await company.deliver();
        await company.settle();
        const { portal, heed } = company;
        expect([at, portal.status(email, "4711"), portal.status(other, "4711")]).toEqual([
          at,
          "UNSUBSCRIBED",
          "UNSUBSCRIBED",
        ]);
        expect((await heed.subscriptions.state({ subject, topic })).state).toBe("not-given");
        company.bystander();
      }
    });
  });
});
