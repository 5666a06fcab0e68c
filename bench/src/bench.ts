// Measures what heed promises about speed, as ratios within one run. Arguments: parts to measure (default: all).
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { styleText } from "node:util";
import { unsubscribeCommit } from "./commit.ts";
import { engineSteps } from "./engine.ts";
import { meetsGoal, type Figure } from "./figure.ts";
import { fold } from "./fold.ts";
import { idle } from "./idle.ts";
import { permitGrowth } from "./permit.ts";
import { inFolder } from "./places.ts";

const parts: Readonly<Record<string, () => Promise<readonly Figure[]>>> = {
  "engine.sqlite": () =>
    inFolder((folder) => engineSteps({ kind: "sqlite", at: join(folder, "engine.db") }, 0.5)),
  idle: () => inFolder((folder) => idle({ kind: "sqlite", at: join(folder, "idle.db") })),
  "commit.sqlite": () => inFolder(unsubscribeCommit),
  fold: () => inFolder(fold),
  permit: () => inFolder(permitGrowth),
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !Object.hasOwn(parts, name));
if (unknown.length > 0) {
  console.error(`There is no ${unknown.join(", ")}. Parts: ${Object.keys(parts).join(", ")}.`);
  process.exit(2);
}

const figures: Figure[] = [];
for (const [name, measure] of Object.entries(parts)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  process.stderr.write(`measuring ${name} …\n`);
  for (const figure of await measure()) {
    figures.push(figure);
    const sign = figure.better === "lower" ? "≤" : "≥";
    const verdict = meetsGoal(figure) ? styleText("green", "ok  ") : styleText("red", "MISS");
    console.log(
      `${verdict} ${figure.name.padEnd(36)} ${figure.value.toFixed(3).padStart(9)}  ${sign} ${String(figure.goal).padEnd(6)} ${figure.of}`,
    );
  }
}
const results = figures.map(({ name, value, goal, better }) => ({ name, value, goal, better }));
const folder = join(import.meta.dirname, "..");
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, "results.json"), `${JSON.stringify({ results }, undefined, 2)}\n`);
if (!figures.every(meetsGoal)) process.exitCode = 1;
