import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..");

/** Every way in which core's source spells out why a step waits or ended. A new way belongs here. */
const spellings = [
  /\bbecause: "([a-z-]+)"/g,
  /\bbecause === "[a-z-]+" \? "([a-z-]+)"/g,
  /\bblockedBy: "([a-z-]+)"/g,
  /\btoHuman\(\s*key,\s*"([a-z-]+)"/g,
  /\brunAgain\("([a-z-]+)"/g,
  /\bunknownRun\([^)]*?"([a-z-]+)"/g,
  /\bbecause: `request-\$\{(state)\}`/g,
];

function slugsIn(source: string): readonly string[] {
  return spellings.flatMap((spelling) => [...source.matchAll(spelling)].map((match) => match[1] ?? ""));
}

/** What a step can say, as core's source has it. */
function slugsOfCore(): ReadonlySet<string> {
  const files = globSync("packages/core/src/{engine,requests}/*.ts", { cwd: root }).filter(
    (file) => !file.endsWith(".test.ts"),
  );
  const slugs = new Set(files.flatMap((file) => slugsIn(readFileSync(join(root, file), "utf8"))));
  // A template: see `endEarly`.
  if (slugs.delete("state")) for (const how of ["withdrawn", "denied"]) slugs.add(`request-${how}`);
  return slugs;
}

describe("docs/steps.md", () => {
  const page = readFileSync(join(root, "docs/steps.md"), "utf8");
  const slugs = [...slugsOfCore()].toSorted();

  it("explains every slug that core can give a step", () => {
    expect(slugs.length).toBeGreaterThan(25);
    expect(slugs).toEqual(expect.arrayContaining(["crashed-worker", "rate-limited", "newer-choice"]));
    expect(slugs.filter((slug) => !page.includes(`\`${slug}\``))).toEqual([]);
  });

  it("explains every state of a step and of a request", () => {
    const source = readFileSync(join(root, "packages/core/src/requests/lifecycle.ts"), "utf8");
    const states = ["RequestState", "StepState"].flatMap((type) => {
      const [, body = ""] = source.split(`export type ${type} =`);
      return [...(body.split(";\n")[0] ?? "").matchAll(/\| "([a-z_]+)"/g)].map((match) => match[1]);
    });
    expect(states).toHaveLength(18);
    expect(states.filter((state) => !page.includes(`\`${state}\``))).toEqual([]);
  });
});
