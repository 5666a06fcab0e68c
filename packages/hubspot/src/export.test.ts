import type { ExportedRecord, InputOf } from "@heed/core/contract";
import { describe, expect, it } from "vitest";
import { callOf, failureOf, openScene, type Scene } from "../test/scene.ts";
import { objectTypes } from "./testing/object-types.ts";
import { allScopes } from "./testing/options.ts";

const anna = "anna@example.org";
/** Everything that HubSpot has of a contact in objects of their own. */
const types = Object.keys(objectTypes);

/** Exports one person: all records, or undefined when nothing is held. */
async function exported(
  { processor, context }: Scene,
  email = anna,
  categories: InputOf["export"]["categories"] = "all",
): Promise<readonly ExportedRecord[] | undefined> {
  const operation = processor.operations.export;
  const call = callOf("export", { categories }, "a", { email });
  const targets = (await operation?.resolve?.([call], context))?.get("a")?.targets ?? [];
  const outcome = (await operation?.run([{ ...call, targets }], context))?.get("a");
  if (outcome?.status === "absent") return undefined;
  if (outcome?.status !== "done" || !("records" in outcome) || outcome.records === undefined)
    throw new TypeError(`It said ${outcome?.status}.`);
  const records: ExportedRecord[] = [];
  for await (const record of outcome.records) records.push(record);
  return records;
}

const of = (records: readonly ExportedRecord[] | undefined, category: string) =>
  (records ?? []).filter((record) => record.category === category).map(({ data }) => data);

describe("export", () => {
  it("has every text that HubSpot holds about the person, and none about another", async () => {
    const scene = await openScene({
      pageSize: 2,
      sensitiveProperties: ["illness"],
      highlySensitiveProperties: ["passport"],
    });
    const { portal } = scene;
    const id = portal.addContact({
      email: anna,
      additionalEmails: ["anna.b@example.net"],
      properties: { firstname: "first-canary", illness: "illness-canary", passport: "passport-canary" },
    });
    const bo = portal.addContact({ email: "bo@example.org", properties: { firstname: "bo-canary" } });
    portal.addEngagement({ type: "notes", body: "bo-canary", contactIds: [bo] });
    for (const type of types)
      for (let at = 0; at < 3; at += 1)
        portal.addEngagement({ type, body: `${type}-canary-${at}`, contactIds: [id] });
    const lists = ["one", "two", "three"].map((name) => portal.addList({ name, contactIds: [id, bo] }));
    portal.choose(anna, "4711", "SUBSCRIBED");
    portal.choose("anna.b@example.net", "4712", "UNSUBSCRIBED");
    portal.optOutOfAll("anna.b@example.net", "7");

    const records = await exported(scene);
    const text = JSON.stringify(records);

    for (const canary of ["first", "illness", "passport"]) expect(text).toContain(`${canary}-canary`);
    for (const type of types)
      for (let at = 0; at < 3; at += 1) expect(text).toContain(`${type}-canary-${at}`);
    expect(of(records, "lists").map((list) => Reflect.get(list as object, "listId"))).toEqual(lists);
    expect(of(records, "subscriptions")).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ address: anna, subscriptionId: "4711", status: "SUBSCRIBED" }),
        expect.objectContaining({
          address: "anna.b@example.net",
          subscriptionId: "4712",
          status: "UNSUBSCRIBED",
        }),
        expect.objectContaining({ wideStatusType: "BUSINESS_UNIT_WIDE", businessUnitId: "7" }),
      ]),
    );
    expect(text).not.toContain("bo-canary");
    expect(of(records, "not-included")).toEqual([]);
  });

  it("tells of every version of a property, and where it came from", async () => {
    const scene = await openScene();
    scene.portal.addContact({ email: anna, properties: { city: "Umea" } });
    const call = callOf("rectify", { changes: { city: "Umeå" } }, "r", { email: anna });
    await scene.processor.operations.rectify?.run(
      [{ ...call, targets: [{ kind: "contact", id: "101" }] }],
      scene.context,
    );
    expect(of(await exported(scene), "contact")).toContainEqual({
      contactId: "101",
      isArchived: false,
      property: "city",
      value: "Umeå",
      versions: [
        { value: "Umeå", timestamp: scene.at(), sourceType: "INTEGRATION" },
        { value: "Umea", timestamp: scene.at(), sourceType: "FORM" },
      ],
    });
  });

  it("tells of what a property was before it was cleared", async () => {
    const scene = await openScene();
    const id = scene.portal.addContact({ email: anna, properties: { city: "Umea" } });
    const call = callOf("rectify", { changes: { city: null } }, "r", { email: anna });
    const resolved = { ...call, targets: [{ kind: "contact", id }] };
    await scene.processor.operations.rectify?.run([resolved], scene.context);
    expect(scene.portal.dossier(anna).contacts[0]?.properties).not.toHaveProperty("city");
    expect(of(await exported(scene), "contact")).toContainEqual(
      expect.objectContaining({
        property: "city",
        versions: [
          expect.objectContaining({ value: "", sourceType: "INTEGRATION" }),
          expect.objectContaining({ value: "Umea", sourceType: "FORM" }),
        ],
      }),
    );
  });

  it.each([
    ["crm.objects.contacts.sensitive.read.v2", "sensitive-properties"],
    ["crm.objects.contacts.highly_sensitive.read.v2", "highly-sensitive-properties"],
    ["crm.lists.read", "lists"],
    ["crm.objects.deals.read", "deals"],
  ] as const)("fails without the scope %s, unless %s are left out, and then says so", async (scope, part) => {
    const portalOptions = {
      sensitiveProperties: ["illness"],
      scopes: allScopes.filter((each) => each !== scope),
    };
    const person = { email: anna, properties: { illness: "illness-canary", city: "Umeå" } };
    const strict = await openScene(portalOptions);
    strict.portal.addContact(person);
    expect(await failureOf(exported(strict))).toMatchObject({ code: "missing-scope" });
    const lenient = await openScene(portalOptions, { exportWithout: [part] });
    lenient.portal.addContact(person);
    const records = await exported(lenient);
    expect(of(records, "not-included")).toEqual([{ category: part }]);
    expect(JSON.stringify(records)).toContain("Umeå");
  });

  it("has what an archived contact holds", async () => {
    const scene = await openScene();
    scene.portal.addContact({ email: anna, properties: { city: "Umeå" }, archived: true });
    expect(of(await exported(scene), "contact")).toContainEqual(
      expect.objectContaining({ property: "city", isArchived: true }),
    );
  });

  it("has the preferences of an address without a contact, and is absent without either", async () => {
    const scene = await openScene();
    expect(await exported(scene)).toBeUndefined();
    scene.portal.choose(anna, "4712", "UNSUBSCRIBED");
    const records = await exported(scene);
    expect(records).toContainEqual(expect.objectContaining({ category: "subscriptions" }));
    expect(of(records, "contact")).toEqual([]);
  });

  it("is of the categories that were asked for, and reads no others", async () => {
    const scene = await openScene();
    const id = scene.portal.addContact({ email: anna });
    for (const type of types) scene.portal.addEngagement({ type, body: type, contactIds: [id] });
    const records = await exported(scene, anna, ["notes"]);
    expect(new Set(records?.map(({ category }) => category))).toEqual(new Set(["notes"]));
    expect(scene.portal.countCalls("/statuses/")).toBe(0);
    expect(scene.portal.countCalls(/associations/)).toBe(1);
  });

  it("is read while it is taken, under a turn for each call, and fails where HubSpot does", async () => {
    const scene = await openScene();
    scene.portal.addContact({ email: anna });
    scene.portal.inject({ path: "statuses", fault: { status: 503 } });
    expect(await failureOf(exported(scene))).toMatchObject({ name: "UnavailableError" });
    const before = scene.portal.calls.length;
    await exported(scene);
    expect(scene.turns).toHaveLength(scene.portal.calls.length);
    expect(scene.portal.calls.length).toBeGreaterThan(before);
  });

  it("changes nothing", async () => {
    const scene = await openScene();
    scene.portal.addContact({ email: anna });
    const before = JSON.stringify(scene.portal.dossier(anna));
    await exported(scene);
    expect(JSON.stringify(scene.portal.dossier(anna))).toBe(before);
  });
});
