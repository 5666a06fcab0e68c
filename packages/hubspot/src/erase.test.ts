import { describe, expect, it } from "vitest";
import { carryOut, eraseCall, failureOf, openScene, questionsOf, withTargets } from "../test/scene.ts";

describe("erase", () => {
  it("leaves nothing of the subject at HubSpot, and every other subject byte for byte as it was", async () => {
    const scene = await openScene();
    const { portal } = scene;
    portal.addContact({ email: "anna@example.org", properties: { firstname: "Anna-Canary" } });
    portal.choose("anna@example.org", "4711", "SUBSCRIBED");
    const bo = portal.addContact({ email: "bo@example.org", properties: { firstname: "Bo" } });
    portal.addEngagement({ type: "notes", body: "Bo called.", contactIds: [bo] });
    portal.choose("bo@example.org", "4711", "SUBSCRIBED");
    const before = JSON.stringify(portal.dossier("bo@example.org"));

    const { outcomes, findings } = await carryOut(scene, "erase", [
      eraseCall("a", { email: "anna@example.org" }),
    ]);

    expect(outcomes.get("a")).toEqual({ status: "done", affected: 1, purgedBy: "2026-12-21" });
    expect(findings.get("a")).toEqual({ seen: "as-asked" });
    expect(portal.search("anna@example.org")).toEqual([]);
    expect(portal.search("Anna-Canary")).toEqual([]);
    expect(JSON.stringify(portal.dossier("bo@example.org"))).toBe(before);
    expect(portal.search("bo@example.org")).not.toEqual([]);
  });

  it("does not believe a 204 after which the contact is still there", async () => {
    const scene = await openScene();
    scene.portal.addContact({ email: "anna@example.org" });
    scene.portal.inject({ method: "POST", path: "gdpr-delete", fault: { status: 204 } });

    const { outcomes, findings } = await carryOut(scene, "erase", [
      eraseCall("a", { email: "anna@example.org" }),
    ]);

    expect(outcomes.get("a")).toMatchObject({ status: "done" });
    expect(findings.get("a")).toEqual({ seen: "not-as-asked" });
  });

  it("sees by its id a contact that has lost the address", async () => {
    const scene = await openScene();
    const id = scene.portal.addContact({ email: "anna@example.org" });
    const other = scene.portal.addContact({ email: "anna.b@example.net" });
    const call = withTargets(eraseCall("a", { email: "gone@example.org" }), [{ kind: "contact", id }]);
    const { verify } = questionsOf(scene, "erase");
    expect((await verify([call])).get("a")).toEqual({ seen: "not-as-asked" });
    // Merged into another, it is still there under that one.
    scene.portal.merge(other, id);
    expect((await verify([call])).get("a")).toEqual({ seen: "not-as-asked" });
  });

  it("finds the contact by a secondary address, and names its other addresses", async () => {
    const scene = await openScene();
    scene.portal.addContact({ email: "anna@example.org", additionalEmails: ["anna.b@example.net"] });

    const call = eraseCall("a", { email: "anna.b@example.net" });
    const { resolutions, findings } = await carryOut(scene, "erase", [call]);

    expect(resolutions.get("a")).toMatchObject({
      targets: [{ kind: "contact", id: "101", via: call.identifiers[0], verified: true }],
      alsoKnownAs: [{ kind: "email", value: "anna@example.org" }],
    });
    expect(findings.get("a")).toEqual({ seen: "as-asked" });
    expect(scene.portal.search("anna")).toEqual([]);
  });

  it("does not take another contact's address, or a part of one, for the subject's", async () => {
    const scene = await openScene();
    scene.portal.addContact({
      email: "joanna@example.org",
      additionalEmails: ["anna@example.org.example.net"],
    });

    const { resolutions, outcomes } = await carryOut(scene, "erase", [
      eraseCall("a", { email: "anna@example.org" }),
    ]);

    expect(resolutions.get("a")).toEqual({ targets: [] });
    expect(outcomes.get("a")).toEqual({ status: "absent" });
    expect(scene.portal.search("joanna@example.org")).toEqual(["contact 101"]);
  });

  it.each([
    ["Anna.B@Example.ORG", "anna.b@example.org"],
    ["o'hara@example.org", "O'Hara@example.org"],
    ["anna+news@example.org", "anna+news@example.org"],
    ["a/b@example.org", "a/b@example.org"],
    ["100%anna@example.org", "100%anna@example.org"],
    ["a%2fb@example.org", "a%2Fb@example.org"],
    ["räksmörgås@example.org", "Räksmörgås@example.org"],
    ["anna@räksmörgås.example", "anna@xn--rksmrgs-5wao1o.example"],
  ])("finds the contact of %s under %s", async (atHubspot, asNamed) => {
    const scene = await openScene();
    scene.portal.addContact({ email: atHubspot });
    scene.portal.addContact({ email: "bo@example.org" });

    const { findings } = await carryOut(scene, "erase", [eraseCall("a", { email: asNamed })]);

    expect(findings.get("a")).toEqual({ seen: "as-asked" });
    expect(scene.portal.search(atHubspot)).toEqual([]);
    expect(scene.portal.search("bo@example.org")).toEqual(["contact 102"]);
  });

  it("deletes a contact once, however many of its addresses are named", async () => {
    const scene = await openScene();
    scene.portal.addContact({ email: "anna@example.org", additionalEmails: ["anna.b@example.net"] });

    await carryOut(scene, "erase", [eraseCall("a", { email: ["anna@example.org", "anna.b@example.net"] })]);

    expect(scene.portal.countCalls("gdpr-delete")).toBe(1);
    expect(scene.portal.search("anna")).toEqual([]);
  });

  it("deletes every contact of a subject who has several, each found by its own identifier", async () => {
    const scene = await openScene();
    scene.portal.addContact({ email: "anna@example.org" });
    scene.portal.addContact({ email: "anna.b@example.net" });
    const byId = scene.portal.addContact({ properties: { firstname: "Anna-Canary" } });

    const call = eraseCall("a", {
      email: ["anna@example.org", "anna.b@example.net"],
      hubspotContactId: byId,
    });
    const { resolutions, outcomes } = await carryOut(scene, "erase", [call]);

    const via = new Map(resolutions.get("a")?.targets.map((target) => [target.id, target.via]));
    expect(via).toEqual(
      new Map([
        ["101", call.identifiers[0]],
        ["102", call.identifiers[1]],
        ["103", call.identifiers[2]],
      ]),
    );
    expect(outcomes.get("a")).toEqual({ status: "done", affected: 3, purgedBy: "2026-12-21" });
    expect(scene.portal.search("anna")).toEqual([]);
  });

  it("erases an archived contact, which anyone could restore", async () => {
    const scene = await openScene();
    scene.portal.addContact({ email: "anna@example.org", archived: true });

    const { findings } = await carryOut(scene, "erase", [eraseCall("a", { email: "anna@example.org" })]);

    expect(findings.get("a")).toEqual({ seen: "as-asked" });
    expect(scene.portal.search("anna@example.org")).toEqual([]);
  });

  it("erases an archived contact beside the live one that has its address now", async () => {
    const scene = await openScene();
    scene.portal.addContact({ email: "anna@example.org", archived: true });
    scene.portal.addContact({ email: "anna@example.org" });
    const { outcomes, findings } = await carryOut(scene, "erase", [
      eraseCall("a", { email: "anna@example.org" }),
    ]);
    expect(outcomes.get("a")).toMatchObject({ status: "done", affected: 2 });
    expect(findings.get("a")).toEqual({ seen: "as-asked" });
    expect(scene.portal.search("anna@example.org")).toEqual([]);
  });

  it("says so when HubSpot does not erase an archived contact", async () => {
    const scene = await openScene({ deleteArchived: "kept" });
    scene.portal.addContact({ email: "anna@example.org", archived: true });

    const { findings } = await carryOut(scene, "erase", [eraseCall("a", { email: "anna@example.org" })]);

    expect(scene.portal.search("anna@example.org")).toEqual(["archived contact 101"]);
    expect(findings.get("a")).toEqual({ seen: "not-as-asked" });
  });

  it("follows an id that was merged into another contact", async () => {
    const scene = await openScene();
    const kept = scene.portal.addContact({ email: "anna@example.org" });
    const former = scene.portal.addContact({ email: "anna.b@example.net" });
    scene.portal.merge(kept, former);

    const { resolutions, findings } = await carryOut(scene, "erase", [
      eraseCall("a", { hubspotContactId: former }),
    ]);

    expect(resolutions.get("a")?.targets).toMatchObject([{ id: kept }]);
    expect(findings.get("a")).toEqual({ seen: "as-asked" });
    expect(scene.portal.search("anna")).toEqual([]);
  });

  it("never archives", async () => {
    const scene = await openScene();
    scene.portal.addContact({ email: "anna@example.org" });
    await carryOut(scene, "erase", [eraseCall("a", { email: "anna@example.org" })]);
    expect(
      scene.portal.calls.map(({ route }) => route).filter((route) => !route.includes("batch/read")),
    ).toEqual(["POST /crm/objects/:version/contacts/gdpr-delete"]);
  });

  it.each([{ deleteAgain: 204 as const }, { deleteAgain: 404 as const }])(
    "may be repeated where HubSpot answers a second delete with $deleteAgain",
    async (switches) => {
      const scene = await openScene(switches);
      const id = scene.portal.addContact({ email: "anna@example.org" });
      const call = withTargets(eraseCall("a", { email: "anna@example.org" }), [{ kind: "contact", id }]);
      const { run, verify } = questionsOf(scene, "erase");
      await run([call]);
      expect((await run([call])).get("a")).toMatchObject({ status: "done" });
      expect((await verify([call])).get("a")).toEqual({ seen: "as-asked" });
    },
  );
});

describe("erase of an address that no contact has", () => {
  it("is absent, and tells HubSpot's blocklist nothing, even with suppress", async () => {
    const scene = await openScene();
    const { outcomes, findings } = await carryOut(scene, "erase", [
      eraseCall("a", { email: "anna@example.org" }),
    ]);
    expect(outcomes.get("a")).toEqual({ status: "absent" });
    expect(findings.get("a")).toEqual({ seen: "as-asked" });
    expect(scene.portal.countCalls("gdpr-delete")).toBe(0);
    expect(scene.portal.isBlocked("anna@example.org")).toBe(false);
  });

  it("blocks it where the option asks for that, and only with suppress", async () => {
    const scene = await openScene({}, { blockUnknownAddresses: true });
    await carryOut(scene, "erase", [
      eraseCall("a", { email: "anna@example.org" }),
      eraseCall("b", { email: "bo@example.org" }, { suppress: false }),
    ]);
    expect(scene.portal.isBlocked("anna@example.org")).toBe(true);
    expect(scene.portal.isBlocked("bo@example.org")).toBe(false);
  });
});

describe("erase of what must be kept", () => {
  it("goes to a human, since HubSpot deletes a contact whole", async () => {
    const scene = await openScene();
    scene.portal.addContact({ email: "anna@example.org" });
    const keep = [{ category: "invoices", reason: "legal-obligation" }];
    const { outcomes } = await carryOut(scene, "erase", [
      eraseCall("a", { email: "anna@example.org" }, { keep }),
    ]);
    expect(outcomes.get("a")).toMatchObject({ status: "manual" });
    expect(scene.portal.countCalls("gdpr-delete")).toBe(0);
    expect(scene.portal.search("anna@example.org")).toEqual(["contact 101"]);
  });
});

describe("a batch of erasures", () => {
  it("asks for 100 addresses at a time", async () => {
    const scene = await openScene();
    const calls = Array.from({ length: 150 }, (_, at) =>
      eraseCall(`c${at}`, { email: `p${at}@example.org` }),
    );
    for (let at = 0; at < 149; at += 1) scene.portal.addContact({ email: `p${at}@example.org` });

    const resolutions = await questionsOf(scene, "erase").resolve(calls);

    // Two reads of at most 100, among contacts and among archived ones.
    expect(scene.portal.countCalls("contacts/batch/read")).toBe(4);
    expect(resolutions.size).toBe(150);
    expect(resolutions.get("c149")).toEqual({ targets: [] });
    const found = [...resolutions.values()].flatMap(({ targets }) => targets.map(({ id }) => id));
    expect(found).toHaveLength(149);
    expect(new Set(found).size).toBe(149);
  });

  it.each([1, 2, 3, 4, 5])(
    "gives each subject its own contact in whatever order rows come (%i)",
    async (seed) => {
      const scene = await openScene({ arrange: (rows) => shuffled(rows, seed) });
      const expected = new Map<string, string[]>();
      const calls = Array.from({ length: 12 }, (_, at) => {
        const email = `p${at}@example.org`;
        expected.set(`c${at}`, at % 3 === 0 ? [] : [scene.portal.addContact({ email })]);
        return eraseCall(`c${at}`, { email });
      });

      const resolutions = await questionsOf(scene, "erase").resolve(calls);

      const found = [...resolutions].map(
        ([id, { targets }]) => [id, targets.map((target) => target.id)] as const,
      );
      expect(new Map(found)).toEqual(expected);
    },
  );

  it("says nothing about a subject whom the answer leaves out", async () => {
    const scene = await openScene();
    scene.portal.addContact({ email: "anna@example.org" });
    const calls = [eraseCall("a", { email: "anna@example.org" })];
    const { resolve, verify } = questionsOf(scene, "erase");
    const cutShort = {
      path: "batch/read",
      fault: { status: 200, body: { status: "COMPLETE", results: [] } },
    };

    scene.portal.inject(cutShort);
    expect((await resolve(calls)).has("a")).toBe(false);

    scene.portal.archive("101");
    scene.portal.inject({ ...cutShort, skip: 1 });
    expect((await verify(calls)).get("a")).toEqual({ seen: "unknown" });
  });

  it("fails only the subject whom HubSpot refuses", async () => {
    const scene = await openScene();
    const targets = ["anna", "bo", "cy"].map((name) => {
      const id = scene.portal.addContact({ email: `${name}@example.org` });
      return withTargets(eraseCall(name, { email: `${name}@example.org` }), [{ kind: "contact", id }]);
    });
    scene.portal.inject({
      path: "gdpr-delete",
      skip: 1,
      fault: { status: 400, body: { message: "anna@example.org" } },
    });

    const outcomes = await questionsOf(scene, "erase").run(targets);

    const statuses = [...outcomes.values()].map(({ status }) => status);
    expect(statuses.toSorted()).toEqual(["done", "done", "failed"]);
    expect(scene.portal.search("example.org")).toHaveLength(1);
  });

  it("stops at a token that is no longer accepted, and leaves the rest unknown", async () => {
    const scene = await openScene();
    const calls = Array.from({ length: 200 }, (_, at) => {
      const id = scene.portal.addContact({ email: `p${at}@example.org` });
      return withTargets(eraseCall(`c${at}`, { email: `p${at}@example.org` }), [{ kind: "contact", id }]);
    });
    scene.portal.inject({ path: "gdpr-delete", skip: 1, times: 300, fault: { status: 401 } });

    const outcomes = await questionsOf(scene, "erase").run(calls);

    expect([...outcomes.values()]).toEqual([{ status: "done", affected: 1, purgedBy: "2026-12-21" }]);
    expect(scene.portal.countCalls("gdpr-delete")).toBeLessThanOrEqual(64);
    expect(scene.portal.search("example.org")).toHaveLength(199);
  });
});

describe("erase over a connection that breaks", () => {
  it("is unknown when the answer is lost after the effect, and repeats safely", async () => {
    const scene = await openScene();
    const id = scene.portal.addContact({ email: "anna@example.org" });
    const call = withTargets(eraseCall("a", { email: "anna@example.org" }), [{ kind: "contact", id }]);
    const { run, verify } = questionsOf(scene, "erase");
    scene.portal.inject({ path: "gdpr-delete", fault: "drop", afterEffect: true });

    expect(await failureOf(run([call]))).toMatchObject({ name: "UnavailableError" });
    expect(scene.portal.search("anna@example.org")).toEqual([]);
    expect((await run([call])).get("a")).toMatchObject({ status: "done", affected: 0 });
    expect((await verify([call])).get("a")).toEqual({ seen: "as-asked" });
  });

  it("is not done when the answer is lost before the effect", async () => {
    const scene = await openScene();
    const id = scene.portal.addContact({ email: "anna@example.org" });
    const call = withTargets(eraseCall("a", { email: "anna@example.org" }), [{ kind: "contact", id }]);
    const { run, verify } = questionsOf(scene, "erase");
    scene.portal.inject({ path: "gdpr-delete", fault: "drop" });

    expect(await failureOf(run([call]))).toMatchObject({ name: "UnavailableError" });
    expect((await verify([call])).get("a")).toEqual({ seen: "not-as-asked" });
  });
});

describe("erase at a portal that lags", () => {
  it("is as asked only when reads show it", async () => {
    const scene = await openScene({ lagMs: 20_000 });
    scene.portal.addContact({ email: "anna@example.org" });
    const call = eraseCall("a", { email: "anna@example.org" });
    const { resolutions, findings } = await carryOut(scene, "erase", [call]);
    expect(scene.portal.search("anna@example.org")).toEqual([]);
    expect(findings.get("a")).toEqual({ seen: "not-as-asked" });

    scene.pass(20_000);
    const resolved = withTargets(call, resolutions.get("a")?.targets ?? []);
    expect((await questionsOf(scene, "erase").verify([resolved])).get("a")).toEqual({ seen: "as-asked" });
  });
});

/** A permutation that a seed repeats. */
function shuffled<T>(rows: readonly T[], seed: number): T[] {
  let state = seed;
  return rows
    .map((row) => {
      state = (state * 48_271) % 2_147_483_647;
      return { row, at: state };
    })
    .toSorted((one, other) => one.at - other.at)
    .map(({ row }) => row);
}
