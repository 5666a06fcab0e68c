// Measures what heed promises about speed, as ratios within one run. Arguments: parts to measure (default: all).
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { styleText } from "node:util";
import { bulkFigures } from "./bulk.ts";
import { postgresCommit, sqliteCommit } from "./commit.ts";
import { engineSteps } from "./engine.ts";
import { meetsGoal, type Figure } from "./figure.ts";
import { fold } from "./fold.ts";
import { idle } from "./idle.ts";
import { limiterFigures } from "./limiter.ts";
import { permitFigures } from "./permit.ts";
import { inPlace } from "./places.ts";
import { sendThroughput } from "./send.ts";
import { tokenRate } from "./token.ts";
import { vendorFigures } from "./vendors.ts";

const parts: Readonly<Record<string, () => Promise<readonly Figure[]>>> = {
  "limiter.sqlite": () => inPlace("sqlite", limiterFigures),
  "limiter.postgres": () => inPlace("postgres", limiterFigures),
  "engine.sqlite": () => inPlace("sqlite", (place) => engineSteps(place, 0.5)),
  "engine.postgres": () => inPlace("postgres", (place) => engineSteps(place, 0.2)),
  idle: () => inPlace("sqlite", idle),
  "commit.sqlite": () => inPlace("sqlite", sqliteCommit),
  "commit.postgres": () => inPlace("postgres", postgresCommit),
  "bulk.sqlite": () => bulkFigures("sqlite"),
  "bulk.postgres": () => bulkFigures("postgres"),
  "hubspot.unsubscribe.batched": () => vendorFigures("hubspot.unsubscribe.batched"),
  "hubspot.unsubscribe.single": () => vendorFigures("hubspot.unsubscribe.single"),
  "hubspot.erase": () => vendorFigures("hubspot.erase"),
  "stripe.forget": () => vendorFigures("stripe.forget"),
  fold: () => inPlace("sqlite", fold),
  permit: () => inPlace("sqlite", permitFigures),
  send: () => inPlace("sqlite", sendThroughput),
  token: tokenRate,
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
writeFileSync(join(import.meta.dirname, "../results.json"), `${JSON.stringify({ results }, undefined, 2)}\n`);
if (!figures.every(meetsGoal)) process.exitCode = 1;
