import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { stripeTokens } from "../src/stripe-tokens.ts";

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

it("README's table has each operation that there is, and says of each whether it is guarded and read back", async () => {
  const readme = await readFile(new URL("README.md", folder), "utf8");
  const rows = [...readme.matchAll(/^\| `(\w+)` +\|.*\| +(yes|—)? +\| (.*) \|$/gm)];
  const said = rows.map(([, name = "", guard, proof = ""]) => [
    name,
    { isGuarded: guard === "yes", isReadBack: !/changes nothing|nothing changes/.test(proof) },
  ]);
  const { operations } = stripeTokens({ apiKey: "sk_test_1", account: "acct_1" });
  const is = Object.entries(operations).map(([name, operation]) => [
    name,
    { isGuarded: operation.guard !== undefined, isReadBack: typeof operation.verify === "function" },
  ]);
  expect(Object.fromEntries(said)).toEqual(Object.fromEntries(is));
});
