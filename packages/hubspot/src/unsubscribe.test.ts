import { describe, expect, it } from "vitest";
import { carryOut, failureOf, openScene, questionsOf, unsubscribeCall, withTargets } from "../test/scene.ts";

describe("unsubscribe from a topic", () => {
  it("opts the address out of its subscription type, and every other subject byte for byte as it was", async () => {
    const scene = await openScene();
    const { portal } = scene;
    for (const email of ["anna@example.org", "bo@example.org"]) {
      portal.addContact({ email });
      portal.choose(email, "4711", "SUBSCRIBED");
      portal.choose(email, "4712", "SUBSCRIBED");
    }
    const before = JSON.stringify(portal.dossier("bo@example.org"));

    const { outcomes, findings } = await carryOut(scene, "unsubscribe", [
      unsubscribeCall("a", { email: "anna@example.org" }),
    ]);

    expect(outcomes.get("a")).toEqual({ status: "done", affected: 1 });
    expect(findings.get("a")).toEqual({ seen: "as-asked" });
    expect(portal.status("anna@example.org", "4711")).toBe("UNSUBSCRIBED");
    expect(portal.status("anna@example.org", "4712")).toBe("SUBSCRIBED");
    expect(JSON.stringify(portal.dossier("bo@example.org"))).toBe(before);
  });

  it("works for an address that no contact has", async () => {
    const scene = await openScene();
    const { findings } = await carryOut(scene, "unsubscribe", [
      unsubscribeCall("a", { email: "anna@example.org" }),
    ]);
    expect(findings.get("a")).toEqual({ seen: "as-asked" });
    expect(scene.portal.status("anna@example.org", "4711")).toBe("UNSUBSCRIBED");
  });

  it("tells HubSpot of no address that it does not have, where it is asked so", async () => {
    const scene = await openScene();
    scene.portal.addContact({ email: "anna@example.org", additionalEmails: ["anna.b@example.net"] });
    const onlyIfKnown = { topics: "all", onlyIfKnown: true } as const;
    const { outcomes, findings } = await carryOut(scene, "unsubscribe", [
      { ...unsubscribeCall("a", { email: "anna@example.org" }), input: onlyIfKnown },
      { ...unsubscribeCall("b", { email: "stranger@example.org" }), input: onlyIfKnown },
    ]);
    expect(outcomes.get("b")).toEqual({ status: "absent" });
    expect([...findings.values()]).toEqual([{ seen: "as-asked" }, { seen: "as-asked" }]);
    expect(scene.portal.isOptedOutOfAll("anna.b@example.net")).toBe(true);
    expect(scene.portal.search("stranger")).toEqual([]);
  });

  it("writes to the spelling of an address that HubSpot has, and to one spelling of any other", async () => {
    const scene = await openScene();
    scene.portal.addContact({ email: "anna@räksmörgås.example" });
    const travelling = "anna@xn--rksmrgs-5wao1o.example";
    await carryOut(scene, "unsubscribe", [unsubscribeCall("a", { email: travelling })]);
    expect(scene.portal.status("anna@räksmörgås.example", "4711")).toBe("UNSUBSCRIBED");
    const elsewhere = await openScene();
    await carryOut(elsewhere, "unsubscribe", [unsubscribeCall("a", { email: travelling })]);
    expect(elsewhere.portal.status(travelling, "4711")).toBe("UNSUBSCRIBED");
    expect(elsewhere.portal.countCalls("POST /communication-preferences")).toBe(1);
  });

  it("silences the secondary addresses that only HubSpot knows, and those found by contact id", async () => {
    const scene = await openScene();
    scene.portal.addContact({ email: "anna@example.org", additionalEmails: ["anna.b@example.net"] });
    const bo = scene.portal.addContact({ email: "bo@example.org" });

    const { findings } = await carryOut(scene, "unsubscribe", [
      unsubscribeCall("a", { email: "anna@example.org" }),
      unsubscribeCall("b", { hubspotContactId: bo }),
    ]);

    expect(findings).toEqual(
      new Map([
        ["a", { seen: "as-asked" }],
        ["b", { seen: "as-asked" }],
      ]),
    );
    for (const email of ["anna@example.org", "anna.b@example.net", "bo@example.org"]) {
      expect(scene.portal.status(email, "4711")).toBe("UNSUBSCRIBED");
    }
  });

  it("sees an address that joined the contact after the opt-out", async () => {
    const scene = await openScene();
    const anna = scene.portal.addContact({ email: "anna@example.org" });
    const call = unsubscribeCall("a", { email: "anna@example.org" });
    const { resolve, run, verify } = questionsOf(scene, "unsubscribe");
    const resolved = withTargets(call, (await resolve([call])).get("a")?.targets ?? []);
    await run([resolved]);
    scene.portal.merge(anna, scene.portal.addContact({ email: "anna.b@example.net" }));

    expect((await verify([resolved])).get("a")).toEqual({ seen: "not-as-asked" });
  });

  it.each([
    "Anna.B@Example.org",
    "o'hara@example.org",
    "anna+news@example.org",
    "a/b@example.org",
    "100%anna@example.org",
    "a%2fb@example.org",
    "a?b#c&d@example.org",
    "räksmörgås@example.org",
    "anna@räksmörgås.example",
  ])("reaches %s", async (email) => {
    const scene = await openScene();
    scene.portal.addContact({ email });
    scene.portal.choose(email, "4711", "SUBSCRIBED");
    const { findings } = await carryOut(scene, "unsubscribe", [unsubscribeCall("a", { email })]);
    expect(findings.get("a")).toEqual({ seen: "as-asked" });
    expect(scene.portal.status(email, "4711")).toBe("UNSUBSCRIBED");
  });

  it("changes nothing the second time", async () => {
    const scene = await openScene();
    const calls = [unsubscribeCall("a", { email: "anna@example.org" })];
    await carryOut(scene, "unsubscribe", calls);
    const { outcomes } = await carryOut(scene, "unsubscribe", calls);
    expect(outcomes.get("a")).toEqual({ status: "done", affected: 0 });
    expect(scene.portal.dossier("anna@example.org").preferences).toHaveLength(1);
    expect(scene.portal.status("anna@example.org", "4711")).toBe("UNSUBSCRIBED");
  });

  it("files a legal basis and an explanation that names nobody", async () => {
    const scene = await openScene({ privacySettings: true });
    await carryOut(scene, "unsubscribe", [unsubscribeCall("call-canary", { email: "anna@example.org" })]);
    const [filed] = scene.portal.dossier("anna@example.org").preferences;
    expect(filed?.legalBasis).toBe("LEGITIMATE_INTEREST_OTHER");
    expect(filed?.legalBasisExplanation).toMatch(/opted out/);
    expect(filed?.legalBasisExplanation).not.toMatch(/anna|canary|@/i);
  });

  it("does not believe a 200 after which the preference is as it was", async () => {
    const scene = await openScene();
    scene.portal.choose("anna@example.org", "4711", "SUBSCRIBED");
    const lie = {
      status: 200,
      body: { status: "COMPLETE", results: [{ subscriptionId: 4711, status: "UNSUBSCRIBED" }] },
    };
    scene.portal.inject({ method: "POST", path: "/statuses/", fault: lie });
    const { outcomes, findings } = await carryOut(scene, "unsubscribe", [
      unsubscribeCall("a", { email: "anna@example.org" }),
    ]);
    expect(outcomes.get("a")).toMatchObject({ status: "done" });
    expect(findings.get("a")).toEqual({ seen: "not-as-asked" });
  });

  it("takes neither subscribed nor never asked for opted out", async () => {
    const scene = await openScene();
    scene.portal.choose("anna@example.org", "4711", "SUBSCRIBED");
    const findings = await questionsOf(scene, "unsubscribe").verify([
      unsubscribeCall("a", { email: "anna@example.org" }),
      unsubscribeCall("b", { email: "bo@example.org" }),
    ]);
    expect(findings.get("a")).toEqual({ seen: "not-as-asked" });
    expect(findings.get("b")).toEqual({ seen: "not-as-asked" });
  });

  it("knows nothing when HubSpot does not list the subscription type", async () => {
    const scene = await openScene();
    const calls = [unsubscribeCall("a", { email: "anna@example.org" })];
    await carryOut(scene, "unsubscribe", calls);
    scene.portal.inject({ method: "GET", path: "/statuses/", fault: { status: 200, body: { results: [] } } });
    expect((await questionsOf(scene, "unsubscribe").verify(calls)).get("a")).toEqual({ seen: "unknown" });
  });

  it("knows nothing when the answer about contacts is cut short", async () => {
    const scene = await openScene();
    const calls = [unsubscribeCall("a", { email: "anna@example.org" })];
    await carryOut(scene, "unsubscribe", calls);
    const { resolve, verify } = questionsOf(scene, "unsubscribe");
    const cutShort = { path: "batch/read", fault: { status: 200, body: { results: [] } } };
    scene.portal.inject(cutShort);
    expect((await resolve(calls)).has("a")).toBe(false);
    scene.portal.inject(cutShort);
    expect((await verify(calls)).get("a")).toEqual({ seen: "unknown" });
  });

  it.each(["all", "account-brand"] as const)(
    "reads a topic back under its brand where a read without one shows %s",
    async (statusesWithoutBrand) => {
      const scene = await openScene({ statusesWithoutBrand });
      const call = unsubscribeCall("a", { email: "anna@example.org" }, ["product-news", "events"]);
      const { outcomes, findings } = await carryOut(scene, "unsubscribe", [call]);
      expect(outcomes.get("a")).toEqual({ status: "done", affected: 2 });
      expect(findings.get("a")).toEqual({ seen: "as-asked" });
      expect(scene.portal.status("anna@example.org", "4712")).toBe("UNSUBSCRIBED");
    },
  );

  it("fails a call whose topic is bound to nothing, and no other", async () => {
    const scene = await openScene();
    const outcomes = await questionsOf(scene, "unsubscribe").run([
      unsubscribeCall("a", { email: "anna@example.org" }, ["constructor"]),
      unsubscribeCall("b", { email: "bo@example.org" }),
    ]);
    expect(outcomes.get("a")).toMatchObject({ status: "failed", error: { code: "unbound-topic" } });
    expect(outcomes.get("b")).toMatchObject({ status: "done" });
  });

  it("is absent for a contact id that leads to no address", async () => {
    const scene = await openScene();
    const { outcomes, findings } = await carryOut(scene, "unsubscribe", [
      unsubscribeCall("a", { hubspotContactId: "999" }),
    ]);
    expect(outcomes.get("a")).toEqual({ status: "absent" });
    expect(findings.get("a")).toEqual({ seen: "as-asked" });
    expect(scene.portal.countCalls("POST /communication-preferences")).toBe(0);
  });
});

describe("unsubscribe from all", () => {
  it.each([false, true])(
    "opts every address out of every brand (read needs verbose: %s)",
    async (wideReadNeedsVerbose) => {
      const scene = await openScene({ wideReadNeedsVerbose });
      scene.portal.addContact({ email: "anna@example.org", additionalEmails: ["anna.b@example.net"] });
      scene.portal.choose("bo@example.org", "4711", "SUBSCRIBED");

      const { outcomes, findings } = await carryOut(scene, "unsubscribe", [
        unsubscribeCall("a", { email: "anna@example.org" }, "all"),
      ]);

      expect(outcomes.get("a")).toEqual({ status: "done", affected: 4 });
      expect(findings.get("a")).toEqual({ seen: "as-asked" });
      for (const email of ["anna@example.org", "anna.b@example.net"]) {
        expect(scene.portal.isOptedOutOfAll(email)).toBe(true);
        expect(scene.portal.isOptedOutOfAll(email, "7")).toBe(true);
      }
      expect(scene.portal.isOptedOutOfAll("bo@example.org")).toBe(false);
      expect(scene.portal.status("bo@example.org", "4711")).toBe("SUBSCRIBED");
    },
  );

  it("reaches brands that no topic is bound to", async () => {
    const scene = await openScene({
      definitions: [
        { id: "4712", brandId: "7" },
        { id: "5000", brandId: "12" },
      ],
    });
    const { findings } = await carryOut(scene, "unsubscribe", [
      unsubscribeCall("a", { email: "anna@example.org" }, "all"),
    ]);
    expect(findings.get("a")).toEqual({ seen: "as-asked" });
    expect(scene.portal.isOptedOutOfAll("anna@example.org", "12")).toBe(true);
  });

  it("is not as asked while one brand may still send", async () => {
    const scene = await openScene();
    scene.portal.inject({
      method: "POST",
      path: "unsubscribe-all",
      skip: 1,
      fault: { status: 200, body: { results: [] } },
    });
    const { outcomes, findings } = await carryOut(scene, "unsubscribe", [
      unsubscribeCall("a", { email: "anna@example.org" }, "all"),
    ]);
    expect(outcomes.get("a")).toMatchObject({ status: "done" });
    expect(scene.portal.isOptedOutOfAll("anna@example.org", "7")).toBe(false);
    expect(findings.get("a")).toEqual({ seen: "not-as-asked" });
  });
});

describe("the read-back of an unsubscribe from all", () => {
  it.each([
    ["of another brand", { status: "UNSUBSCRIBED", businessUnitId: 99 }],
    ["that says subscribed", { status: "SUBSCRIBED", businessUnitId: 0 }],
  ])("does not count a row %s", async (_, row) => {
    const scene = await openScene();
    const calls = [unsubscribeCall("a", { email: "anna@example.org" }, "all")];
    expect((await carryOut(scene, "unsubscribe", calls)).findings.get("a")).toEqual({ seen: "as-asked" });
    scene.portal.inject({
      method: "GET",
      path: "unsubscribe-all",
      fault: { status: 200, body: { results: [row] } },
    });
    expect((await questionsOf(scene, "unsubscribe").verify(calls)).get("a")).toEqual({
      seen: "not-as-asked",
    });
  });
});

describe("unsubscribe at a portal that lags", () => {
  it("is as asked only when reads show it", async () => {
    const scene = await openScene({ lagMs: 20_000 });
    scene.portal.choose("anna@example.org", "4711", "SUBSCRIBED");
    const calls = [unsubscribeCall("a", { email: "anna@example.org" })];
    const { findings } = await carryOut(scene, "unsubscribe", calls);
    expect(scene.portal.status("anna@example.org", "4711")).toBe("UNSUBSCRIBED");
    expect(findings.get("a")).toEqual({ seen: "not-as-asked" });
    scene.pass(20_000);
    expect((await questionsOf(scene, "unsubscribe").verify(calls)).get("a")).toEqual({ seen: "as-asked" });
  });
});

describe("unsubscribe over a connection that breaks", () => {
  it("keeps the answers it has and leaves the rest unknown", async () => {
    const scene = await openScene();
    const names = ["anna", "bo"];
    scene.portal.inject({ method: "POST", path: "bo%40example.org", fault: "drop", afterEffect: true });
    const outcomes = await questionsOf(scene, "unsubscribe").run(
      names.map((name) => unsubscribeCall(name, { email: `${name}@example.org` })),
    );
    expect([...outcomes]).toEqual([["anna", { status: "done", affected: 1 }]]);
    expect(scene.portal.status("bo@example.org", "4711")).toBe("UNSUBSCRIBED");
  });

  it("fails the batch when nothing was answered", async () => {
    const scene = await openScene();
    scene.portal.inject({ method: "POST", path: "/statuses/", fault: "drop" });
    const call = unsubscribeCall("a", { email: "anna@example.org" });
    const error = await failureOf(questionsOf(scene, "unsubscribe").run([call]));
    expect(error).toMatchObject({ name: "UnavailableError" });
    expect(scene.portal.status("anna@example.org", "4711")).toBe("NOT_SPECIFIED");
  });
});
