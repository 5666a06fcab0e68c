import { describe, expect, it } from "vitest";
import { callOf, carryOut, openScene, printed, questionsOf, withTargets } from "../test/scene.ts";

const anna = "anna@example.org";
const rectifyCall = (changes: Readonly<Record<string, string | null>>, id = "a", email = anna) =>
  callOf("rectify", { changes }, id, { email });

describe("rectify", () => {
  it("sets properties and clears others, of nobody else", async () => {
    const scene = await openScene();
    scene.portal.addContact({ email: anna, properties: { city: "Umea", phone: "1" } });
    scene.portal.addContact({ email: "bo@example.org", properties: { city: "Umea" } });
    const before = JSON.stringify(scene.portal.dossier("bo@example.org"));
    const { outcomes, findings } = await carryOut(scene, "rectify", [
      rectifyCall({ city: "Umeå", phone: null }),
    ]);
    expect(outcomes.get("a")).toEqual({ status: "done", affected: 1 });
    expect(findings.get("a")).toEqual({ seen: "as-asked" });
    const [contact] = scene.portal.dossier(anna).contacts;
    expect(contact?.properties).toEqual({ email: anna, city: "Umeå" });
    expect(JSON.stringify(scene.portal.dossier("bo@example.org"))).toBe(before);
  });

  it("corrects every contact of somebody who has several, and reads each one back", async () => {
    const scene = await openScene();
    const other = "anna@example.net";
    for (const email of [anna, other]) scene.portal.addContact({ email, properties: { city: "Umea" } });
    const call = callOf("rectify", { changes: { city: "Umeå" } }, "a", { email: [anna, other] });
    const { outcomes, findings } = await carryOut(scene, "rectify", [call]);
    expect(outcomes.get("a")).toEqual({ status: "done", affected: 2 });
    expect(findings.get("a")).toEqual({ seen: "as-asked" });
    const cityOf = (email: string) => scene.portal.dossier(email).contacts[0]?.properties["city"];
    expect([cityOf(anna), cityOf(other)]).toEqual(["Umeå", "Umeå"]);
    // The answer about one of them is a lie.
    scene.portal.inject({ method: "PATCH", path: /102$/, fault: { status: 200, body: { id: "102" } } });
    const again = { ...call, input: { changes: { city: "Lund" } } };
    expect((await carryOut(scene, "rectify", [again])).findings.get("a")).toEqual({ seen: "not-as-asked" });
    expect([cityOf(anna), cityOf(other)]).toEqual(["Lund", "Umeå"]);
  });

  it("reads back by id, so that the address itself can be corrected", async () => {
    const scene = await openScene();
    scene.portal.addContact({ email: anna, additionalEmails: ["anna.b@example.net"] });
    const { findings } = await carryOut(scene, "rectify", [rectifyCall({ email: "Anna.Berg@example.org" })]);
    expect(findings.get("a")).toEqual({ seen: "as-asked" });
    expect(scene.portal.search("anna.berg@example.org")).toEqual(["contact 101"]);
  });

  it("does not believe a 200 after which the property is as it was", async () => {
    const scene = await openScene();
    scene.portal.addContact({ email: anna, properties: { city: "Umea", phone: "1" } });
    for (const changes of [{ city: "Umeå" }, { phone: null }]) {
      scene.portal.inject({ method: "PATCH", fault: { status: 200, body: { id: "101" } } });
      const { outcomes, findings } = await carryOut(scene, "rectify", [rectifyCall(changes)]);
      expect(outcomes.get("a")).toMatchObject({ status: "done" });
      expect(findings.get("a")).toEqual({ seen: "not-as-asked" });
    }
  });

  it("is unknown when an answer is cut short, before the change and when it is read back", async () => {
    const scene = await openScene();
    const id = scene.portal.addContact({ email: anna });
    const call = withTargets(rectifyCall({ city: "Umeå" }), [{ kind: "contact", id }]);
    const { run, verify } = questionsOf(scene, "rectify");
    const cutShort = { path: "batch/read", times: 2, fault: { status: 200, body: { results: [] } } };
    scene.portal.inject(cutShort);
    expect((await run([call])).has("a")).toBe(false);
    expect(scene.portal.countCalls("PATCH")).toBe(0);
    await run([call]);
    scene.portal.inject(cutShort);
    expect((await verify([call])).get("a")).toEqual({ seen: "unknown" });
  });

  it("changes nothing that is so already", async () => {
    const scene = await openScene();
    scene.portal.addContact({ email: anna, properties: { city: "Umeå" } });
    const same = { city: " Umeå ", phone: null, email: "Anna@Example.org" };
    const { outcomes } = await carryOut(scene, "rectify", [rectifyCall(same)]);
    expect(outcomes.get("a")).toEqual({ status: "done", affected: 0 });
    expect(scene.portal.countCalls("PATCH")).toBe(0);
    // How a name is spelled is what a person may want corrected.
    await carryOut(scene, "rectify", [rectifyCall({ city: "umeå" })]);
    expect(scene.portal.dossier(anna).contacts[0]?.properties["city"]).toBe("umeå");
  });

  it("is absent for somebody unknown, and a human's for an archived contact", async () => {
    const scene = await openScene();
    scene.portal.addContact({ email: anna, archived: true, properties: { city: "Umea" } });
    const { outcomes } = await carryOut(scene, "rectify", [
      rectifyCall({ city: "Umeå" }),
      rectifyCall({ city: "Umeå" }, "b", "stranger@example.org"),
    ]);
    expect(outcomes.get("a")).toMatchObject({ status: "manual" });
    expect(outcomes.get("b")).toEqual({ status: "absent" });
    expect(scene.portal.countCalls("PATCH")).toBe(0);
  });

  it.each([
    ["a value that HubSpot does not take", {}, { email: "not-an-address-canary" }, /the value for email/],
    ["a property that there is not", {}, { shoe_size: "41-canary" }, /the value for shoe_size/],
    [
      "a rule about the property",
      { requiredProperties: [{ property: "city" }] },
      { city: null, phone: "46-canary" },
      /the value for city/,
    ],
    [
      "a rule about another property",
      {
        requiredProperties: [
          { property: "company", when: { property: "lifecyclestage", value: "customer" } },
        ],
      },
      { lifecyclestage: "customer", phone: "46-canary" },
      /the change while company is not filled in/,
    ],
  ] as const)(
    "takes %s to a human, who is told the property and never the value",
    async (_, options, changes, told) => {
      const scene = await openScene(options);
      scene.portal.addContact({ email: anna, properties: { city: "Umea" } });
      const { outcomes } = await carryOut(scene, "rectify", [rectifyCall(changes)]);
      expect(outcomes.get("a")).toMatchObject({ status: "manual", instruction: expect.stringMatching(told) });
      expect(printed(outcomes)).not.toContain("canary");
      expect(scene.portal.search("canary")).toEqual([]);
    },
  );

  it("names no property that the account does not have, whatever a refusal calls one", async () => {
    const scene = await openScene();
    scene.portal.addContact({ email: anna });
    const context = { propertyName: ["anna-canary"] };
    scene.portal.inject({ method: "PATCH", fault: { status: 400, body: { errors: [{ context }] } } });
    const { outcomes } = await carryOut(scene, "rectify", [rectifyCall({ city: "Umeå" })]);
    expect(outcomes.get("a")).toMatchObject({
      status: "manual",
      instruction: expect.stringMatching(/refuses the change of city\./),
    });
    expect(printed(outcomes)).not.toContain("canary");
  });

  it("is not subject to rules at a version that does not enforce them", async () => {
    const scene = await openScene({ requiredProperties: [{ property: "city" }] }, { apiVersion: "2026-03" });
    scene.portal.addContact({ email: anna });
    const { findings } = await carryOut(scene, "rectify", [rectifyCall({ phone: "1" })]);
    expect(findings.get("a")).toEqual({ seen: "as-asked" });
  });
});

describe("restrict", () => {
  it("goes to a human with what to do, and is absent for somebody unknown", async () => {
    const { portal, processor, context } = await openScene();
    portal.addContact({ email: anna });
    const calls = [anna, "stranger@example.org"].map((email) =>
      callOf("restrict", { restricted: true }, email, { email }),
    );
    const { resolve, run } = processor.operations.restrict ?? {};
    const found = await resolve?.(calls, context);
    const resolved = calls.map((call) => ({ ...call, targets: found?.get(call.id)?.targets ?? [] }));
    const outcomes = await run?.(resolved, context);
    expect(outcomes?.get(anna)).toMatchObject({
      status: "manual",
      instruction: expect.stringMatching(/non-marketing.*Art\. 18/s),
    });
    expect(outcomes?.get("stranger@example.org")).toEqual({ status: "absent" });
    const lifted = await run?.(
      resolved.map((call) => ({ ...call, input: { restricted: false } })),
      context,
    );
    expect(lifted?.get(anna)).toMatchObject({ instruction: expect.stringMatching(/has ended/) });
  });
});

describe("the questions of rectify", () => {
  it("are answered for nobody about whom HubSpot left something open", async () => {
    const scene = await openScene();
    scene.portal.inject({ path: "batch/read", fault: { status: 200, body: { results: [] } } });
    const found = await questionsOf(scene, "rectify").resolve([rectifyCall({ city: "Umeå" })]);
    expect(found.has("a")).toBe(false);
  });
});
