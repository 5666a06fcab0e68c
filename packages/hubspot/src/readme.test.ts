import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { namesIn, readmeTable } from "../test/readme-table.ts";
import { hubspot } from "./hubspot.ts";

const folder = fileURLToPath(new URL("..", import.meta.url));
const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
const [first, sync] = [...readme.matchAll(/```ts\n([^]*?)```\n\n```\n([^]*?)```/g)];

it.each([
  ["of the first page", first],
  ["of a sync", sync],
])("the example %s prints what the README says", async (_what, found) => {
  const [, example = "", printed] = found ?? [];
  const flags = ["-C", "@heed/source", "--input-type=module-typescript", "-e", example];
  const { stdout } = await promisify(execFile)(process.execPath, flags, { cwd: folder });
  expect(stdout).toBe(printed);
});

it("the example of the first page is short", () => {
  expect(first?.[1]?.trimEnd().split("\n").length).toBeLessThanOrEqual(15);
});

it("the table of operations has each that there is, and says of each whether it is read back", () => {
  const { operations } = hubspot({ accessToken: "pat", portalId: "1", topics: {} });
  const isReadBack = Object.entries(operations).map(([name, { verify }]) => [
    name,
    typeof verify === "function",
  ]);
  const said = readmeTable("operation").map(([operation, , proof = ""]) => [
    namesIn(operation)[0],
    !/^(?:it changes nothing|a human says so)/.test(proof),
  ]);
  expect(Object.fromEntries(said)).toEqual(Object.fromEntries(isReadBack));
});
