import type { Call, OperationName } from "@heed/core/contract";
import { describe, expect, it } from "vitest";
import { namesIn, readmeTable } from "../test/readme-table.ts";
import { callOf, openScene, type Scene } from "../test/scene.ts";
import type { HubspotKind } from "./addresses.ts";
import { objectTypes } from "./testing/object-types.ts";
import { allScopes } from "./testing/options.ts";

const anna = { email: "anna@example.org" };
const consent = { basis: "consent", evidence: "event-1", givenAt: "2026-11-21T09:59:00.000Z" } as const;
const calls: readonly Call<OperationName, HubspotKind>[] = [
  callOf("erase", { suppress: true, keep: [] }, "a", anna),
  callOf("exclude", {}, "a", anna),
  callOf("export", { categories: "all" }, "a", anna),
  callOf("observe", { saw: ["opted-out"] }, "a", anna),
  callOf("rectify", { changes: { city: "Umeå" } }, "a", anna),
  callOf("restrict", { restricted: true }, "a", anna),
  callOf("subscribe", { topics: ["product-news"], ...consent }, "a", anna),
  callOf("unsubscribe", { topics: "all" }, "a", anna),
];
const operations = calls.map(({ operation }) => operation);

/** Operations by the scope that they need, as the README says it. */
const said = new Map<string, readonly string[]>(
  readmeTable("scope").flatMap(([scopes, needed]) =>
    namesIn(scopes).map((scope): [string, readonly string[]] => {
      const full = scope.startsWith("….") ? `communication_preferences.statuses.${scope.slice(2)}` : scope;
      const named = namesIn(needed).filter((name) => operations.includes(name as OperationName));
      return [full, needed === "every operation" ? operations : named];
    }),
  ),
);

/**
 * Without these an export is refused nothing: HubSpot leaves the text of e-mails out, and shows the names of properties to
 * whoever reads contacts.
 */
const unseen: readonly string[] = ["sales-email-read", "crm.schemas.contacts.read"];

async function sceneWithout(scope: string): Promise<Scene> {
  const scene = await openScene({
    tier: "enterprise",
    scopes: allScopes.filter((each) => each !== scope),
    sensitiveProperties: ["illness"],
    highlySensitiveProperties: ["passport"],
  });
  const id = scene.portal.addContact({ ...anna, properties: { illness: "none", passport: "none" } });
  for (const type of Object.keys(objectTypes))
    scene.portal.addEngagement({ type, body: "Canary", contactIds: [id] });
  scene.portal.addList({ name: "List", contactIds: [id] });
  return scene;
}

/** Whether HubSpot refuses, at any question of the operation, for lack of a scope. */
async function isRefused({ processor, context }: Scene, call: (typeof calls)[number]): Promise<boolean> {
  const operation = processor.operations[call.operation];
  if (operation === undefined) throw new TypeError(`There is no operation "${call.operation}".`);
  try {
    const found = await operation.resolve?.([call] as never, context);
    const resolved = [{ ...call, targets: found?.get("a")?.targets ?? [] }] as never;
    const outcome = (await operation.run(resolved, context)).get("a");
    if (outcome?.status === "failed") throw outcome.error;
    const records = outcome?.status === "done" && "records" in outcome ? outcome.records : undefined;
    for await (const _ of records ?? []) {
      // An export is read to its end: that is when it may be refused.
    }
    if (typeof operation.verify === "function") await operation.verify(resolved, context);
    return false;
  } catch (error) {
    if ((error as { code?: unknown }).code === "missing-scope") return true;
    throw error;
  }
}

describe("the README's table of scopes", () => {
  it("has every scope that is asked for", () => {
    expect([...said.keys()].toSorted()).toEqual([...allScopes].toSorted());
  });

  it.each(allScopes.filter((scope) => !unseen.includes(scope)))(
    "says what fails without %s, as check() does, and as HubSpot does",
    async (scope) => {
      const scene = await sceneWithout(scope);
      const { lacks } = await scene.processor.check(scene.context);
      const refused: string[] = [];
      for (const call of calls)
        if (await isRefused(await sceneWithout(scope), call)) refused.push(call.operation);
      expect(said.get(scope)?.toSorted()).toEqual(refused);
      expect(lacks.map(({ operation }) => operation).toSorted()).toEqual(refused);
    },
  );

  it.each(unseen)(
    "asks for %s for an export, though check() cannot see that it is missing",
    async (scope) => {
      const scene = await sceneWithout(scope);
      expect((await scene.processor.check(scene.context)).lacks).toEqual([]);
      expect(said.get(scope)).toEqual(["export"]);
    },
  );
});
