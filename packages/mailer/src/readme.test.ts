import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { mailProcessor } from "./index.ts";

const folder = fileURLToPath(new URL("..", import.meta.url));
const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
const section = readme.split("## As one of heed's processors")[1]?.split("\n## ")[0] ?? "";

it("the example of the processor prints what the README says", async () => {
  const [, example = "", printed] = /```ts\n([^]*?)```\n\n```\n([^]*?)```/.exec(section) ?? [];
  const flags = ["-C", "@heed/source", "--input-type=module-typescript", "-e", example];
  const { stdout } = await promisify(execFile)(process.execPath, flags, { cwd: folder });
  expect(stdout).toBe(printed);
});

it("the table of operations has each that there is", () => {
  const said = [...section.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name);
  const { operations } = mailProcessor({ policy: { topics: {} } });
  expect(new Set(said)).toEqual(new Set(Object.keys(operations)));
});
