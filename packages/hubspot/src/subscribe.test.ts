import { describe, expect, it } from "vitest";
import { carryOut, openScene, printed, questionsOf, type Scene, subscribeCall } from "../test/scene.ts";

const anna = "anna@example.org";
const minuteMs = 60_000;

/** Carries one subscription out, given `ms` from now. */
async function subscribe(scene: Scene, ms = -minuteMs, more = {}) {
  const call = subscribeCall("a", { email: anna }, { givenAt: scene.at(ms), ...more });
  const { outcomes, findings } = await carryOut(scene, "subscribe", [call]);
  return { outcome: outcomes.get("a"), finding: findings.get("a") };
}

describe("subscribe", () => {
  it("subscribes the address that was named, and nobody and nothing else", async () => {
    const scene = await openScene();
    scene.portal.addContact({ email: anna, additionalEmails: ["anna.b@example.net"] });
    scene.portal.addContact({ email: "bo@example.org" });
    const before = JSON.stringify(scene.portal.dossier("bo@example.org"));
    const { outcome, finding } = await subscribe(scene);
    expect(outcome).toEqual({ status: "done", affected: 1 });
    expect(finding).toEqual({ seen: "as-asked" });
    expect(scene.portal.status(anna, "4711")).toBe("SUBSCRIBED");
    expect(scene.portal.status(anna, "4712")).toBe("NOT_SPECIFIED");
    expect(scene.portal.status("anna.b@example.net", "4711")).toBe("NOT_SPECIFIED");
    expect(JSON.stringify(scene.portal.dossier("bo@example.org"))).toBe(before);
  });

  it("changes nothing where it is so already", async () => {
    const scene = await openScene();
    await subscribe(scene);
    const before = JSON.stringify(scene.portal.dossier(anna));
    expect((await subscribe(scene)).outcome).toEqual({ status: "done", affected: 0 });
    expect(JSON.stringify(scene.portal.dossier(anna))).toBe(before);
  });

  it("files the legal basis and the ledger's event, and nothing personal", async () => {
    const scene = await openScene();
    await subscribe(scene, -minuteMs, { evidence: "event-4711", basis: "soft-opt-in" });
    const [filed] = scene.portal.dossier(anna).preferences;
    expect(filed?.legalBasis).toBe("LEGITIMATE_INTEREST_CLIENT");
    expect(filed?.legalBasisExplanation).toBe("Recorded as event-4711, given at 2026-11-21T09:59:00.000Z.");
  });

  it("never overrides an opt-out with a consent that is no newer: a human is told", async () => {
    const scene = await openScene();
    scene.portal.choose(anna, "4711", "UNSUBSCRIBED");
    for (const ms of [-minuteMs, 0]) {
      const { outcome, finding } = await subscribe(scene, ms);
      expect(outcome).toMatchObject({
        status: "manual",
        instruction: expect.stringMatching(/opt-out from product-news that is no older than the consent/),
      });
      expect(printed(outcome)).not.toContain("anna");
      expect(finding).toEqual({ seen: "not-as-asked" });
    }
    expect(scene.portal.status(anna, "4711")).toBe("UNSUBSCRIBED");
    expect(scene.portal.countCalls("POST /communication-preferences")).toBe(0);
  });

  it("ends an opt-out with a newer consent", async () => {
    const scene = await openScene();
    scene.portal.choose(anna, "4711", "UNSUBSCRIBED");
    const { outcome, finding } = await subscribe(scene, minuteMs);
    expect(outcome).toEqual({ status: "done", affected: 1 });
    expect(finding).toEqual({ seen: "as-asked" });
    expect(scene.portal.status(anna, "4711")).toBe("SUBSCRIBED");
  });

  it("takes an opt-out without a readable date for newer", async () => {
    const scene = await openScene();
    const rows = [{ subscriptionId: 4711, status: "UNSUBSCRIBED", timestamp: null }];
    scene.portal.inject({
      method: "GET",
      path: "/statuses/",
      fault: { status: 200, body: { results: rows } },
    });
    expect((await subscribe(scene, minuteMs)).outcome).toMatchObject({ status: "manual" });
    expect(scene.portal.status(anna, "4711")).toBe("NOT_SPECIFIED");
  });

  it("subscribes to the topics that it may, and tells of the others", async () => {
    const scene = await openScene();
    scene.portal.choose(anna, "4712", "UNSUBSCRIBED");
    const { outcome } = await subscribe(scene, -minuteMs, { topics: ["product-news", "events"] });
    expect(outcome).toMatchObject({
      status: "manual",
      instruction: expect.stringMatching(/from events that/),
    });
    expect(scene.portal.status(anna, "4711")).toBe("SUBSCRIBED");
    expect(scene.portal.status(anna, "4712")).toBe("UNSUBSCRIBED");
  });

  it("puts back an opt-out that arrives while it subscribes", async () => {
    const scene = await openScene();
    // What was read is the answer from before the person opted out.
    const rows = [{ subscriptionId: 4711, status: "NOT_SPECIFIED", timestamp: scene.at(-minuteMs) }];
    scene.portal.inject({
      method: "GET",
      path: "/statuses/",
      fault: { status: 200, body: { results: rows } },
    });
    scene.portal.choose(anna, "4711", "UNSUBSCRIBED");
    const { outcome } = await subscribe(scene);
    expect(outcome).toMatchObject({ status: "manual" });
    expect(scene.portal.status(anna, "4711")).toBe("UNSUBSCRIBED");
  });

  it("does not believe a 200 after which nothing changed", async () => {
    const scene = await openScene();
    const results = [{ subscriptionId: 4711, status: "SUBSCRIBED" }];
    scene.portal.inject({ method: "POST", path: "/statuses/", fault: { status: 200, body: { results } } });
    const { outcome, finding } = await subscribe(scene);
    expect(outcome).toMatchObject({ status: "done" });
    expect(finding).toEqual({ seen: "not-as-asked" });
  });

  it("reads the topics of a brand under that brand", async () => {
    for (const statusesWithoutBrand of ["all", "account-brand"] as const) {
      const scene = await openScene({ statusesWithoutBrand });
      const { finding } = await subscribe(scene, -minuteMs, { topics: ["events"] });
      expect(finding).toEqual({ seen: "as-asked" });
      expect(scene.portal.status(anna, "4712")).toBe("SUBSCRIBED");
    }
  });

  it("goes to the address that HubSpot sends to, where a contact id is all that is known", async () => {
    const scene = await openScene();
    const id = scene.portal.addContact({ email: anna, additionalEmails: ["anna.b@example.net"] });
    const { findings } = await carryOut(scene, "subscribe", [subscribeCall("a", { hubspotContactId: id })]);
    expect(findings.get("a")).toEqual({ seen: "as-asked" });
    expect(scene.portal.status(anna, "4711")).toBe("SUBSCRIBED");
    const nobody = await carryOut(scene, "subscribe", [subscribeCall("b", { hubspotContactId: "999" })]);
    expect(nobody.outcomes.get("b")).toMatchObject({ status: "manual" });
  });

  it("fails for a topic that is bound to nothing", async () => {
    const scene = await openScene();
    const call = subscribeCall("a", { email: anna }, { topics: ["constructor"] });
    const outcomes = await questionsOf(scene, "subscribe").run([call]);
    expect(outcomes.get("a")).toMatchObject({ status: "failed", error: { code: "unbound-topic" } });
  });
});

describe("subscribe under an opt-out from everything", () => {
  it("is refused where that is no older than the consent", async () => {
    const scene = await openScene();
    scene.portal.optOutOfAll(anna);
    expect((await subscribe(scene)).outcome).toMatchObject({ status: "manual" });
    expect(scene.portal.countCalls("POST /communication-preferences")).toBe(0);
    expect(scene.portal.isOptedOutOfAll(anna)).toBe(true);
  });

  it("is refused so too where the status of the topic does not show it", async () => {
    const scene = await openScene();
    scene.portal.optOutOfAll(anna);
    const rows = [{ subscriptionId: 4711, status: "NOT_SPECIFIED", timestamp: scene.at(-minuteMs) }];
    scene.portal.inject({ method: "GET", path: /org$/, fault: { status: 200, body: { results: rows } } });
    expect((await subscribe(scene)).outcome).toMatchObject({ status: "manual" });
    expect(scene.portal.countCalls("POST /communication-preferences")).toBe(0);
  });

  it("is not as asked, whatever the status of the topic says", async () => {
    const scene = await openScene();
    scene.portal.optOutOfAll(anna);
    const rows = [{ subscriptionId: 4711, status: "SUBSCRIBED", timestamp: scene.at() }];
    scene.portal.inject({ method: "GET", path: /org$/, fault: { status: 200, body: { results: rows } } });
    const findings = await questionsOf(scene, "subscribe").verify([subscribeCall("a", { email: anna })]);
    expect(findings.get("a")).toEqual({ seen: "not-as-asked" });
  });

  it("works where HubSpot lifts an older one", async () => {
    const scene = await openScene({ subscribeUnderOptOut: "lifts" });
    scene.portal.optOutOfAll(anna);
    const { outcome, finding } = await subscribe(scene, minuteMs);
    expect(outcome).toEqual({ status: "done", affected: 1 });
    expect(finding).toEqual({ seen: "as-asked" });
  });

  it("goes to a human where HubSpot keeps an older one: the person would get nothing", async () => {
    const scene = await openScene({ subscribeUnderOptOut: "stays-out" });
    scene.portal.optOutOfAll(anna);
    const { outcome, finding } = await subscribe(scene, minuteMs);
    expect(outcome).toMatchObject({
      status: "manual",
      instruction: expect.stringMatching(/its API does not lift, so product-news is not sent/),
    });
    expect(finding).toEqual({ seen: "not-as-asked" });
  });

  it("is no matter where another brand has it", async () => {
    const scene = await openScene();
    scene.portal.optOutOfAll(anna, "7");
    expect(await subscribe(scene)).toEqual({
      outcome: { status: "done", affected: 1 },
      finding: { seen: "as-asked" },
    });
  });
});
