import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";

const folder = new URL("..", import.meta.url);
const readme = await readFile(new URL("README.md", folder), "utf8");
const examples = [...readme.matchAll(/```ts\n([^]*?)```.*?It printed:\n\n```\n([^]*?)```/gs)];
let directory = "";

/** The heed of the project's first page, as the README says. */
const heed = `import { createHeed, definePolicy, ephemeralKeys, memory } from "@heed/core";
const policy = definePolicy({
  controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
  purposes: { news: { basis: "consent" } },
  topics: { "product-news": { class: "marketing", purpose: "news" } },
});
export const heed = createHeed({ policy, storage: memory(), keys: ephemeralKeys() });
const subject = { email: "anna@dest.example" };
await heed.consent.give({ subject, purpose: "news", evidence: { noticeVersion: "1" } });
`;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "heed-readme-"));
  await mkdir(join(directory, "node_modules/@heed"), { recursive: true });
  for (const name of ["core", "web"]) {
    await symlink(fileURLToPath(new URL(`../${name}`, folder)), join(directory, "node_modules/@heed", name));
  }
  await writeFile(join(directory, "heed.ts"), heed);
});
afterAll(() => rm(directory, { recursive: true }));

it.each([
  ["of an unsubscribe link", 0],
  ["of a double opt-in", 1],
])("the example %s prints what the README says", async (_what, place) => {
  const [, example = "", printed] = examples[place] ?? [];
  const file = join(directory, `example-${place}.ts`);
  await writeFile(file, example);
  const { stdout } = await promisify(execFile)(process.execPath, ["-C", "@heed/source", file], {
    cwd: directory,
  });
  expect(stdout).toBe(printed);
});
