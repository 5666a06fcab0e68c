import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

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
