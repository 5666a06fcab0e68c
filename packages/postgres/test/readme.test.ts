import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { createDatabase } from "./database.ts";

const folder = new URL("..", import.meta.url);

it("the example in the README prints what the README says", async () => {
  const readme = await readFile(new URL("README.md", folder), "utf8");
  const [, example = "", printed] = /```ts\n(.*?)```\n\n```\n(.*?)```/s.exec(readme) ?? [];
  expect(example.trimEnd().split("\n").length).toBeLessThanOrEqual(15);
  const flags = ["-C", "@heed/source", "--input-type=module-typescript", "-e", example];
  const env = { ...process.env, DATABASE_URL: await createDatabase() };
  const { stdout } = await promisify(execFile)(process.execPath, flags, { cwd: fileURLToPath(folder), env });
  expect(stdout).toBe(printed);
});
