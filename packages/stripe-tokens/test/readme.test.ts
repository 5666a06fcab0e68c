import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const run = promisify(execFile);
const folder = new URL("..", import.meta.url);

it("README's example runs, and prints what it says", async () => {
  const readme = await readFile(new URL("README.md", folder), "utf8");
  const example = /```ts\n([^]*?)```/.exec(readme)?.[1] ?? "";
  const printed = /```\n(\{[^]*?)```/.exec(readme)?.[1];
  const sourced = ["-C", "@heed/source", "--input-type=module-typescript", "--eval", example];
  const { stdout } = await run(process.execPath, sourced, { cwd: folder });
  expect(stdout).toBe(printed);
  expect(example.split("\n").filter((line) => line !== "")).toHaveLength(15);
});
