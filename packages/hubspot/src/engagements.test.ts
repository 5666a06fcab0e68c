import { describe, expect, it } from "vitest";
import {
  callOf,
  carryOut,
  eraseCall,
  openScene,
  questionsOf,
  type Scene,
  withTargets,
} from "../test/scene.ts";
import { engagementTypes } from "./engagements.ts";

const switches = [
  { withoutAssociations: "named", archiveUnknown: 204 },
  { withoutAssociations: "omitted", archiveUnknown: 404 },
] as const;

const anna = "anna@example.org";

/** Anna and Bo; the ids of their contacts. */
function people({ portal }: Scene): { readonly anna: string; readonly bo: string } {
  return { anna: portal.addContact({ email: anna }), bo: portal.addContact({ email: "bo@example.org" }) };
}

describe.each(switches)(
  "engagements at an erasure ($withoutAssociations, $archiveUnknown)",
  (portalOptions) => {
    it("are found before the contact is deleted, and archived when they are about nobody else", async () => {
      const scene = await openScene(portalOptions);
      const ids = people(scene);
      const own = engagementTypes.map((type) => ({
        type,
        id: scene.portal.addEngagement({ type, body: "Anna-Canary called.", contactIds: [ids.anna] }),
      }));
      scene.portal.addEngagement({ type: "notes", body: "Bo called.", contactIds: [ids.bo] });
      const before = JSON.stringify(scene.portal.dossier("bo@example.org"));

      const { resolutions, outcomes, findings } = await carryOut(scene, "erase", [
        eraseCall("a", { email: anna }),
      ]);

      const kinds = resolutions.get("a")?.targets.map(({ kind, within }) => [kind, within]);
      expect(kinds).toEqual([
        ["contact", undefined],
        ...["note", "call", "email", "task", "meeting", "ticket"].map((kind) => [kind, ids.anna]),
      ]);
      expect(scene.portal.search("Anna-Canary")).toEqual(own.map(({ type, id }) => `archived ${type} ${id}`));
      expect(scene.portal.search(anna)).toEqual([]);
      expect(outcomes.get("a")).toEqual({
        status: "done",
        affected: 7,
        purgedBy: "2026-12-21",
        retained: engagementTypes.map((category) => ({
          category,
          reason: "recycle-bin",
          until: "2027-02-19",
        })),
      });
      expect(findings.get("a")).toEqual({ seen: "as-asked" });
      expect(JSON.stringify(scene.portal.dossier("bo@example.org"))).toBe(before);
    });

    it("that are somebody else's as well are left as they are, and said to be", async () => {
      const scene = await openScene(portalOptions);
      const ids = people(scene);
      const meeting = scene.portal.addEngagement({
        type: "meetings",
        body: "Anna and Bo",
        contactIds: [ids.anna, ids.bo],
      });
      const { outcomes, findings } = await carryOut(scene, "erase", [eraseCall("a", { email: anna })]);
      expect(scene.portal.search("Anna and Bo")).toEqual([`meetings ${meeting}`]);
      expect(scene.portal.dossier("bo@example.org").engagements).toMatchObject([
        { id: meeting, contactIds: [ids.bo] },
      ]);
      expect(outcomes.get("a")).toMatchObject({
        affected: 1,
        retained: [{ category: "meetings", reason: "shared" }],
      });
      expect(findings.get("a")).toEqual({ seen: "as-asked" });
    });

    it("of two people who are both erased are archived with the second one at the latest", async () => {
      const scene = await openScene(portalOptions);
      const ids = people(scene);
      scene.portal.addEngagement({ type: "meetings", body: "Anna and Bo", contactIds: [ids.anna, ids.bo] });
      const calls = [eraseCall("a", { email: anna }), eraseCall("b", { email: "bo@example.org" })];
      const { resolutions, findings } = await carryOut(scene, "erase", calls);
      // Each was somebody else's as well when it was looked at; now it is nobody's, and reading back says so.
      expect([...findings.values()]).toEqual([{ seen: "not-as-asked" }, { seen: "not-as-asked" }]);
      const { run, verify } = questionsOf(scene, "erase");
      const again = calls.map((call) => withTargets(call, resolutions.get(call.id)?.targets ?? []));
      await run(again);
      expect([...(await verify(again)).values()]).toEqual([{ seen: "as-asked" }, { seen: "as-asked" }]);
      expect(scene.portal.search("Anna and Bo")).toEqual([expect.stringMatching(/^archived meetings/)]);
    });

    it("may be archived already when it is tried again", async () => {
      const scene = await openScene(portalOptions);
      const ids = people(scene);
      scene.portal.addEngagement({ type: "notes", body: "Anna-Canary", contactIds: [ids.anna] });
      const call = eraseCall("a", { email: anna });
      const { resolve, run, verify } = questionsOf(scene, "erase");
      const resolved = withTargets(call, (await resolve([call])).get("a")?.targets ?? []);
      scene.portal.inject({ path: "gdpr-delete", fault: "drop" });
      await expect(run([resolved])).rejects.toMatchObject({ name: "UnavailableError" });
      expect(scene.portal.search("Anna-Canary")).toEqual([expect.stringMatching(/^archived notes/)]);
      expect((await verify([resolved])).get("a")).toEqual({ seen: "not-as-asked" });

      const outcomes = await run([resolved]);
      expect(outcomes.get("a")).toMatchObject({ status: "done", retained: [{ category: "notes" }] });
      expect((await verify([resolved])).get("a")).toEqual({ seen: "as-asked" });
      expect(scene.portal.search(anna)).toEqual([]);
    });

    it("are still known, and dealt with, where the contact went first", async () => {
      const scene = await openScene(portalOptions);
      const ids = people(scene);
      const note = scene.portal.addEngagement({ type: "notes", body: "Anna-Canary", contactIds: [ids.anna] });
      const call = eraseCall("a", { email: anna });
      const { resolve, run, verify } = questionsOf(scene, "erase");
      const resolved = withTargets(call, (await resolve([call])).get("a")?.targets ?? []);
      // Somebody deletes the contact by hand: nothing leads to the note any more.
      await run([withTargets(call, [{ kind: "contact", id: ids.anna }])]);
      expect(scene.portal.search("Anna-Canary")).toEqual([`notes ${note}`]);
      expect((await verify([resolved])).get("a")).toEqual({ seen: "not-as-asked" });
      await run([resolved]);
      expect(scene.portal.search("Anna-Canary")).toEqual([`archived notes ${note}`]);
      expect((await verify([resolved])).get("a")).toEqual({ seen: "as-asked" });
    });
  },
);

describe("engagements of a contact that was merged into another", () => {
  it("are that one's, and go with it", async () => {
    const scene = await openScene();
    const ids = people(scene);
    const former = scene.portal.addContact({ email: "anna.b@example.net" });
    const note = scene.portal.addEngagement({ type: "notes", body: "Anna-Canary", contactIds: [former] });
    scene.portal.merge(ids.anna, former);
    const { findings } = await carryOut(scene, "erase", [eraseCall("a", { email: anna })]);
    expect(findings.get("a")).toEqual({ seen: "as-asked" });
    expect(scene.portal.search("Anna-Canary")).toEqual([`archived notes ${note}`]);
    expect(scene.portal.search("anna.b@example.net")).toEqual([]);
  });
});

describe("engagements that are kept", () => {
  it("stay where the policy says so, with its reason, law and date", async () => {
    const scene = await openScene();
    const ids = people(scene);
    const ticket = scene.portal.addEngagement({ type: "tickets", body: "Invoice 7", contactIds: [ids.anna] });
    scene.portal.addEngagement({ type: "notes", body: "Anna-Canary", contactIds: [ids.anna] });
    const keep = [
      { category: "tickets", reason: "legal-claims", law: "GDPR 17(3)(e)", until: "2029-12-31" },
      { category: "calls", reason: "legal-claims" },
    ];
    const { outcomes, findings } = await carryOut(scene, "erase", [
      eraseCall("a", { email: anna }, { keep }),
    ]);
    expect(scene.portal.search("Invoice 7")).toEqual([`tickets ${ticket}`]);
    expect(scene.portal.search("Anna-Canary")).toEqual([expect.stringMatching(/^archived notes/)]);
    // Of calls there are none, so none are kept.
    expect(outcomes.get("a")).toMatchObject({
      status: "done",
      retained: [{ category: "notes", reason: "recycle-bin" }, keep[0]],
    });
    expect(findings.get("a")).toEqual({ seen: "as-asked" });
    expect(scene.portal.search(anna)).toEqual([]);
  });

  it("stay where a setting says so, and nothing is asked about whose they are", async () => {
    const scene = await openScene({}, { engagements: { tickets: "keep" } });
    const ids = people(scene);
    const ticket = scene.portal.addEngagement({ type: "tickets", body: "Broken", contactIds: [ids.anna] });
    const { outcomes, findings } = await carryOut(scene, "erase", [eraseCall("a", { email: anna })]);
    expect(scene.portal.search("Broken")).toEqual([`tickets ${ticket}`]);
    expect(outcomes.get("a")).toMatchObject({
      retained: [{ category: "tickets", reason: "kept-by-setting" }],
    });
    expect(findings.get("a")).toEqual({ seen: "as-asked" });
    expect(scene.portal.countCalls("tickets/contacts")).toBe(0);
  });

  it("are touched no more than the contact where something else must be kept", async () => {
    const scene = await openScene();
    const ids = people(scene);
    const note = scene.portal.addEngagement({ type: "notes", body: "Anna-Canary", contactIds: [ids.anna] });
    const keep = [{ category: "invoices", reason: "legal-obligation" }];
    const { outcomes } = await carryOut(scene, "erase", [eraseCall("a", { email: anna }, { keep })]);
    expect(outcomes.get("a")).toMatchObject({ status: "manual" });
    expect(scene.portal.search("Anna-Canary")).toEqual([`notes ${note}`]);
  });
});

describe("engagements that do not go as asked", () => {
  it("are read back: a 204 after which a note is there is not believed", async () => {
    const scene = await openScene();
    const ids = people(scene);
    scene.portal.addEngagement({ type: "notes", body: "Anna-Canary", contactIds: [ids.anna] });
    scene.portal.inject({ path: "notes/batch/archive", fault: { status: 204 } });
    const { outcomes, findings } = await carryOut(scene, "erase", [eraseCall("a", { email: anna })]);
    expect(outcomes.get("a")).toMatchObject({ status: "done" });
    expect(findings.get("a")).toEqual({ seen: "not-as-asked" });
  });

  it("are unknown when reading them back is cut short", async () => {
    const scene = await openScene();
    const ids = people(scene);
    scene.portal.addEngagement({ type: "notes", body: "Anna-Canary", contactIds: [ids.anna] });
    scene.portal.inject({
      path: "objects/2026-09/notes/batch/read",
      fault: { status: 200, body: { results: [] } },
    });
    const { findings } = await carryOut(scene, "erase", [eraseCall("a", { email: anna })]);
    expect(findings.get("a")).toEqual({ seen: "unknown" });
  });

  it("are taken for nobody else's only on their own word", async () => {
    const scene = await openScene();
    const ids = people(scene);
    const note = scene.portal.addEngagement({ type: "notes", body: "Both", contactIds: [ids.anna, ids.bo] });
    // Cut short, and again, the answer looks like that of a note that is nobody's.
    scene.portal.inject({
      path: "associations/2026-09/notes/contacts",
      times: 2,
      fault: { status: 200, body: { results: [] } },
    });
    const { outcomes } = await carryOut(scene, "erase", [eraseCall("a", { email: anna })]);
    expect(scene.portal.search("Both")).toEqual([`notes ${note}`]);
    expect(outcomes.get("a")).toMatchObject({ retained: [{ category: "notes", reason: "shared" }] });
  });

  it("keep the contact that leads to them, and nobody else's, where HubSpot refuses one", async () => {
    const scene = await openScene({ archiveUnknown: 204 });
    const ids = people(scene);
    const note = scene.portal.addEngagement({ type: "notes", body: "Anna-Canary", contactIds: [ids.anna] });
    scene.portal.addEngagement({ type: "notes", body: "Bo-Canary", contactIds: [ids.bo] });
    const refused = { status: 400, body: { status: "error", category: "VALIDATION_ERROR" } };
    // The batch of both, and then the first of them alone.
    scene.portal.inject({ path: "notes/batch/archive", times: 2, fault: refused });
    const { outcomes } = await carryOut(scene, "erase", [
      eraseCall("a", { email: anna }),
      eraseCall("b", { email: "bo@example.org" }),
    ]);
    expect(outcomes.get("a")).toMatchObject({ status: "failed" });
    expect(outcomes.get("b")).toMatchObject({ status: "done" });
    expect(scene.portal.search("Anna-Canary")).toEqual([`notes ${note}`]);
    expect(scene.portal.search(anna)).toEqual([`contact ${ids.anna}`]);
    expect(scene.portal.search("bo@example.org")).toEqual([]);
  });

  it("are all found where they fill several pages", async () => {
    const scene = await openScene({ pageSize: 2 });
    const ids = people(scene);
    for (let at = 0; at < 5; at += 1)
      scene.portal.addEngagement({ type: "notes", body: `Anna-Canary ${at}`, contactIds: [ids.anna] });
    const { findings } = await carryOut(scene, "erase", [eraseCall("a", { email: anna })]);
    expect(scene.portal.search("Anna-Canary").filter((place) => !place.startsWith("archived"))).toEqual([]);
    expect(findings.get("a")).toEqual({ seen: "as-asked" });
  });
});

describe("a batch of erasures with engagements", () => {
  it("asks about a hundred subjects at once, and archives by the hundred", async () => {
    const scene = await openScene();
    const calls = Array.from({ length: 100 }, (_, at) => {
      const email = `p${at}@example.org`;
      const id = scene.portal.addContact({ email });
      scene.portal.addEngagement({ type: "notes", body: `About ${email}`, contactIds: [id] });
      return eraseCall(`c${at}`, { email });
    });
    const { findings } = await carryOut(scene, "erase", calls);
    expect(new Set([...findings.values()].map(({ seen }) => seen))).toEqual(new Set(["as-asked"]));
    const counted = Map.groupBy(scene.portal.calls, ({ route }) => route);
    expect(Object.fromEntries([...counted].map(([route, some]) => [route, some.length]))).toEqual({
      // Live and archived: by address before, by id after.
      "POST /crm/objects/:version/contacts/batch/read": 4,
      ...Object.fromEntries(
        engagementTypes.map((type) => [`POST /crm/associations/:version/contacts/${type}/batch/read`, 1]),
      ),
      "POST /crm/associations/:version/notes/contacts/batch/read": 1,
      "POST /crm/objects/:version/notes/batch/archive": 1,
      "POST /crm/objects/:version/notes/batch/read": 1,
      "POST /crm/objects/:version/contacts/gdpr-delete": 100,
    });
  });

  it("deletes a contact once that two calls lead to", async () => {
    const scene = await openScene();
    scene.portal.addContact({ email: anna, additionalEmails: ["anna.b@example.net"] });
    const { outcomes, findings } = await carryOut(scene, "erase", [
      eraseCall("a", { email: anna }),
      eraseCall("b", { email: "anna.b@example.net" }),
    ]);
    expect(scene.portal.countCalls("gdpr-delete")).toBe(1);
    expect([...outcomes.values()].map(({ status }) => status)).toEqual(["done", "done"]);
    expect([...findings.values()]).toEqual([{ seen: "as-asked" }, { seen: "as-asked" }]);
  });
});

describe("exclude", () => {
  const excludeCall = (id: string, email: string) => callOf("exclude", {}, id, { email });

  it("opts every address out of every brand, then deletes for good: there is nothing to restore", async () => {
    const scene = await openScene({ preferencesAfterErasure: "kept" });
    const ids = people(scene);
    const both = scene.portal.addContact({ email: "cy@example.org", additionalEmails: ["cy.b@example.net"] });
    scene.portal.addEngagement({ type: "notes", body: "Cy-Canary", contactIds: [both] });
    const { outcomes, findings } = await carryOut(scene, "exclude", [excludeCall("c", "cy@example.org")]);

    expect(outcomes.get("c")).toMatchObject({
      status: "done",
      purgedBy: "2026-12-21",
      retained: [{ category: "notes", reason: "recycle-bin" }],
    });
    expect(findings.get("c")).toEqual({ seen: "as-asked" });
    expect(scene.portal.dossier("cy@example.org").contacts).toEqual([]);
    for (const email of ["cy@example.org", "cy.b@example.net"]) {
      expect(scene.portal.isBlocked(email)).toBe(true);
      for (const brand of ["0", "7"]) expect(scene.portal.isOptedOutOfAll(email, brand)).toBe(true);
    }
    expect(scene.portal.search(anna)).toEqual([`contact ${ids.anna}`]);
    expect(scene.portal.countCalls("contacts/batch/archive")).toBe(0);
  });

  it("removes nobody whose opt-out is not confirmed", async () => {
    const scene = await openScene();
    const ids = people(scene);
    const refused = { status: 400, body: { status: "error", category: "VALIDATION_ERROR" } };
    scene.portal.inject({ path: /anna%40example\.org\/unsubscribe-all/, times: 10, fault: refused });
    const { outcomes, findings } = await carryOut(scene, "exclude", [
      excludeCall("a", anna),
      excludeCall("b", "bo@example.org"),
    ]);
    expect(outcomes.get("a")).toMatchObject({ status: "failed" });
    expect(outcomes.get("b")).toMatchObject({ status: "done" });
    expect(findings.get("a")).toEqual({ seen: "not-as-asked" });
    expect(scene.portal.search(anna)).toEqual([`contact ${ids.anna}`]);
  });

  it("is absent where HubSpot does not know the person, and tells it nothing", async () => {
    const scene = await openScene();
    const { outcomes, findings } = await carryOut(scene, "exclude", [excludeCall("a", anna)]);
    expect(outcomes.get("a")).toEqual({ status: "absent" });
    expect(findings.get("a")).toEqual({ seen: "as-asked" });
    expect(scene.portal.search(anna)).toEqual([]);
    expect(scene.portal.isBlocked(anna)).toBe(false);
  });

  it("blocks an unknown address where the option asks for that", async () => {
    const scene = await openScene({}, { blockUnknownAddresses: true });
    await carryOut(scene, "exclude", [excludeCall("a", anna)]);
    expect(scene.portal.isBlocked(anna)).toBe(true);
  });
});
