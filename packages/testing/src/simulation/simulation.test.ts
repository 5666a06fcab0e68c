import { memory } from "@heed/core";
import { expect, it } from "vitest";
import { simulate } from "./simulate.ts";

const seeds = Array.from({ length: Number(process.env["HEED_SEEDS"] ?? 50) }, (_, index) => `${index + 1}`);

it("try", { timeout: 600_000 }, async () => {
  const all: Record<string, number> = {};
  const kinds = new Map<string, string[]>();
  const begun = Date.now();
  for (const seed of process.env["HEED_SEED"] === undefined ? seeds : [process.env["HEED_SEED"]]) {
    const { violations, counts } = await simulate(seed, memory());
    for (const [name, count] of Object.entries(counts)) all[name] = (all[name] ?? 0) + count;
    for (const each of violations) {
      const kind = each.replace(/ at [^ ]*Z/, "").replaceAll(/p\d/g, "p");
      kinds.set(kind, [...(kinds.get(kind) ?? []), seed + " " + each.slice(0,60)]);
    }
  }
  console.log(Date.now() - begun, "ms", all);
  for (const [kind, where] of kinds) console.log(where.length, kind, where.slice(0, 3));
  expect(kinds.size).toBe(0);
});
