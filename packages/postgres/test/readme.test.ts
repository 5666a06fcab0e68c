import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { clientOn, createDatabase } from "./database.ts";

const folder = new URL("..", import.meta.url);
const readme = await readFile(new URL("README.md", folder), "utf8");
const examples = [...readme.matchAll(/```ts\n([^`]*?)```\n\n```\n([^`]*?)```/g)];

/** Runs one of the README's examples on a database of its own. */
async function run(place: number) {
  const [, example = "", printed] = examples[place] ?? [];
  const flags = ["-C", "@heed/source", "--input-type=module-typescript", "-e", example];
  const env = { ...process.env, DATABASE_URL: await createDatabase() };
  const { stdout } = await promisify(execFile)(process.execPath, flags, { cwd: fileURLToPath(folder), env });
  return { example, printed, stdout, url: env.DATABASE_URL };
}

describe("the README", () => {
  it("has an example of 15 lines that prints what it says", async () => {
    const { example, printed, stdout } = await run(0);
    expect(example.trimEnd().split("\n").length).toBeLessThanOrEqual(15);
    expect(stdout).toBe(printed);
  });

  it("has one of the application's own transaction, which commits with the choice", async () => {
    const { printed, stdout, url } = await run(1);
    expect(stdout).toBe(printed);
    const client = await clientOn(url);
    expect((await client.query("SELECT newsletter FROM users")).rows).toEqual([{ newsletter: false }]);
    expect((await client.query("SELECT kind FROM heed.events")).rows).toEqual([{ kind: "withdrawn" }]);
  });
});
