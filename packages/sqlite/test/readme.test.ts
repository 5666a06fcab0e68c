import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";

const folder = new URL("..", import.meta.url);
const readme = await readFile(new URL("README.md", folder), "utf8");
const examples = [...readme.matchAll(/```ts\n([^`]*?)```\n\n```\n([^`]*?)```/g)];
let directory = "";

// The examples write files where they are run, and find the packages from there.
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "heed-readme-"));
  await mkdir(join(directory, "node_modules/@heed"), { recursive: true });
  for (const name of ["core", "sqlite"]) {
    await symlink(fileURLToPath(new URL(`../${name}`, folder)), join(directory, "node_modules/@heed", name));
  }
});
afterAll(() => rm(directory, { recursive: true }));

it.each([
  ["of one file in two processes", 0],
  ["of a choice in the application's own transaction", 1],
])("the example %s prints what the README says", async (_what, place) => {
  const [, example = "", printed] = examples[place] ?? [];
  const flags = ["-C", "@heed/source", "--input-type=module-typescript", "-e", example];
  const { stdout } = await promisify(execFile)(process.execPath, flags, { cwd: directory });
  expect(stdout).toBe(printed);
});

it("the application's row of the example committed with the choice", () => {
  const database = new DatabaseSync(join(directory, "app.db"), { readOnly: true });
  expect(database.prepare("SELECT newsletter FROM users").all()).toEqual([{ newsletter: 0 }]);
  expect(database.prepare("SELECT count(*) AS n FROM heed_events").get()).toEqual({ n: 1 });
  database.close();
});
