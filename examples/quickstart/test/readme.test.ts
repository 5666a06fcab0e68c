import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const file = fileURLToPath(new URL("../src/quickstart.ts", import.meta.url));
const readme = readFileSync(new URL("../../../README.md", import.meta.url), "utf8");

it("is the example of the README, and prints what the README says", () => {
  const [, example = "", printed = ""] = /```ts\n(.*?)```\n+```\n(.*?)```/s.exec(readme) ?? [];
  expect(readFileSync(file, "utf8")).toBe(example);
  expect(example.split("\n").length - 1).toBeLessThanOrEqual(15);
  const output = execFileSync(process.execPath, ["-C", "@heed/source", file], {
    encoding: "utf8",
    env: { PATH: process.env["PATH"] },
  });
  expect(output).toBe(printed);
});
