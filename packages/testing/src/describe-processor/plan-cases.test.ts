import { expect, it } from "vitest";
import { registerCannot, registerScene } from "../../test/register/scene.ts";
import type { CaseName } from "./cases.ts";
import { planCases, type CannotShow } from "./plan-cases.ts";
import { openWire } from "./wire.ts";
import type { Between, Setup } from "./world.ts";

async function plan(
  cannot: readonly CannotShow[],
  change: (setup: Setup) => Setup = (setup) => setup,
  create: (between: Between) => Promise<Setup> = registerScene,
) {
  const wire = openWire();
  try {
    return planCases(change(await create(wire.between)), wire, cannot);
  } finally {
    await wire.close();
  }
}

const paging: CaseName = "works through every page of a set, also while it shrinks";

it("judges every operation that the processor has, without being told which", async () => {
  const operations = new Set((await plan(registerCannot)).map(({ operation }) => operation));
  expect([...operations].toSorted()).toEqual([
    "erase",
    "exclude",
    "export",
    "forgetTokens",
    "observe",
    "rectify",
    "restrict",
    "subscribe",
    "unsubscribe",
  ]);
});

it("skips with the reason that was given, for that operation alone", async () => {
  const reason = "A person is one record here.";
  const planned = await plan([{ case: paging, operation: "erase", reason }]);
  const about = planned.filter(({ title }) => title === paging);
  expect(about.find(({ operation }) => operation === "erase")?.skipped).toBe(reason);
  expect(about.filter(({ skipped }) => skipped !== undefined)).toHaveLength(1);
});

it("leaves no case out silently: what the world cannot show is lacking", async () => {
  const planned = await plan([], ({ processor, world: { add, isDone, snapshot } }) => ({
    processor,
    world: { add, isDone, snapshot },
  }));
  const lacking = new Map(planned.map(({ title, lacking }) => [title, lacking]));
  expect(lacking.get(paging)).toEqual(["the world has no `crowd`"]);
  expect(lacking.get("proves which account it is")).toEqual(["the setup has no `misconfigured` processor"]);
  expect(lacking.get("names the topics whose list the vendor does not know")).toEqual([
    "the setup has no `misbound` processor",
  ]);
  expect(lacking.get("does it in the world, and reads it back")).toEqual([]);
});

it("says that a second topic is to be bound where one is to be told from another", async () => {
  const planned = await plan(registerCannot, (setup) => ({
    ...setup,
    processor: { ...setup.processor, topics: { news: "news" } },
  }));
  const one = planned.find(({ title }) => title === "changes one list, and none of the others");
  expect(one?.lacking).toEqual([
    "the processor binds fewer than two topics (bind a second topic in `create`)",
  ]);
});

it("finds out that the adapter does not speak through the kit", async () => {
  const planned = await plan(registerCannot, undefined, () =>
    registerScene(async () => "http://127.0.0.1:9"),
  );
  expect(planned.find(({ title }) => title === "is refused on 401")?.lacking).toEqual([
    "`create` does not pass its vendor through `between`",
  ]);
});

it.each<[string, CannotShow]>([
  ["a case that does not exist", { case: "no such case" as CaseName, reason: "It does not exist." }],
  ["no reason", { case: paging, reason: " - " }],
  [
    "a case that the operation does not have",
    { case: "tells all that the vendor holds", operation: "erase", reason: "An erasure tells nothing." },
  ],
])("refuses a skip of %s", async (_, skip) => {
  await expect(plan([skip])).rejects.toThrow(TypeError);
});
