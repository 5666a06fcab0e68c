import { describe, expect, it } from "vitest";
import { openCompany } from "../test/company.ts";

const email = "anna.canary@example.org";
const subject = { email };
const topic = "product-news";
const url = "https://heed.example/webhooks/hubspot";

/** Anna gets the news by her own choice at HubSpot; Ben is whom nothing of this is about. */
async function open() {
  // Nobody waits for a turn: each of these is played many times.
  const company = openCompany({ preferenceCreatesContact: true }, { settlingMs: 0, burst: 150 });
  const { portal, heed, clock } = company;
  for (const each of [email, "ben@example.org"]) {
    portal.addContact({ email: each });
    portal.choose(each, "4711", "SUBSCRIBED");
  }
  await heed.subscriptions.subscribe({ subject, topic, evidence: { noticeVersion: "1" } });
  await clock.advance(600_000);
  await heed.work.check();
  const checking = company.calls();
  const bystander = JSON.stringify(portal.dossier("ben@example.org"));
  return {
    ...company,
    checking,
    bystander: () => expect(JSON.stringify(portal.dossier("ben@example.org"))).toBe(bystander),
    deliver: () => heed.webhooks.receive("crm", portal.signed(url, portal.events)),
  };
}

type Company = Awaited<ReturnType<typeof open>>;

async function erase({ heed, settle }: Company) {
  const { id } = await heed.requests.open({ right: "erasure", subject, identity: "signed-in" });
  await settle();
  return (await heed.requests.get(id)).state;
}

/** Nobody is known here any more, nothing may make them anew, and where something has, a human is told. */
async function expectForgotten({ portal, heed, rows, search }: Company) {
  expect(await rows("subjects")).toEqual([]);
  expect(await rows("identifiers")).toEqual([]);
  expect(await search("canary")).toEqual([]);
  expect((await heed.suppression.check(subject)).suppressed).toBe(true);
  const isThere = portal.search(email).some((place) => place.startsWith("contact "));
  const told = (await heed.steps.parked()).map(({ because }) => because);
  expect(told).toEqual(isThere ? ["stored-again"] : []);
}

describe("a webhook that arrives while its person is erased", () => {
  it.each<[string, (company: Company) => void]>([
    ["of what the erasure itself has done so far", () => {}],
    [
      "of an opt-out that the person makes just then",
      ({ portal }) => portal.choose(email, "4711", "UNSUBSCRIBED"),
    ],
    ["of an opt-out of everything", ({ portal }) => portal.optOutOfAll(email)],
  ])("%s, at whatever call, brings nobody back", { timeout: 60_000 }, async (_what, act) => {
    const straight = await open();
    expect(await erase(straight)).toBe("fulfilled");
    const own = straight.calls() - 2 * straight.checking;
    expect(own).toBeGreaterThan(8);
    for (let at = 0; at < own; at += 1) {
      const company = await open();
      // The worker proves the account first.
      company.during(company.checking + at, async () => {
        if (company.portal.search(email).some((place) => place.startsWith("contact "))) act(company);
        await company.deliver();
      });
      expect([at, await erase(company)]).toEqual([at, "fulfilled"]);
      // All of it once more, late and in disorder.
      await company.clock.advance(60_000);
      await company.deliver();
      await company.settle();
      const { portal } = company;
      expect([at, portal.search(email).filter((place) => place.startsWith("contact "))]).toEqual([at, []]);
      await expectForgotten(company);
      company.bystander();
    }
  });

  it(
    "of a form that makes the contact anew, at whatever call, finds it erased as long as the erasure looks, and told after that",
    { timeout: 60_000 },
    async () => {
      const straight = await open();
      await erase(straight);
      const own = straight.calls() - 2 * straight.checking;
      const left: number[] = [];
      for (let at = 0; at < own; at += 1) {
        const company = await open();
        company.during(company.checking + at, async () => {
          if (company.portal.search(email).length === 0) company.portal.addContact({ email });
          await company.deliver();
        });
        expect([at, await erase(company)]).toEqual([at, "fulfilled"]);
        await company.deliver();
        await company.settle();
        if (company.portal.search(email).length > 0) left.push(at);
        await expectForgotten(company);
        company.bystander();
      }
      // After its last look it is a human's.
      expect(left.every((at) => at >= own - 3)).toBe(true);
    },
  );
});
