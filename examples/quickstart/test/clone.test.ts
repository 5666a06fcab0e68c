import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const readme = readFileSync(join(root, "README.md"), "utf8");
/** What the README says to run in a clone, without pnpm, which only finds this Node. */
const commands = [...readme.matchAll(/^npx -y pnpm@\S+ exec node (.*)$/gm)].map(([, rest = ""]) => rest);
let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(root, "examples/axcrypt/clone-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs one of them as it stands there, with the files of a newcomer in a folder that nobody else has. */
function run(command: string): string {
  const words = command.replaceAll("examples/axcrypt/", `examples/axcrypt/${basename(folder)}/`).split(" ");
  return execFileSync(process.execPath, words, {
    cwd: root,
    encoding: "utf8",
    env: { PATH: process.env["PATH"] },
  });
}

const others = ["hubspot", "mailer", "stripe-tokens", "web"].map((name) => `import "@heed/${name}";\n`);
const config = `${others.join("")}import { createHeed, definePolicy, keyring, newKey } from "@heed/core";
import { sqlite } from "@heed/sqlite";
const policy = definePolicy({
  controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
  purposes: { news: { basis: "consent" } },
  topics: { "product-news": { class: "marketing", purpose: "news" } },
});
const storage = sqlite(new URL("heed.db", import.meta.url).pathname);
export const heed = createHeed({ policy, storage, keys: keyring(newKey()) });
`;

it("a newcomer's file and the heed command run in a clone as the README says", () => {
  expect(commands).toHaveLength(2);
  const [own = "", command = ""] = commands;
  writeFileSync(join(folder, "mine.ts"), `${config}console.log(await heed.work.drain());\n`);
  expect(run(own)).toContain("settled: 0");
  writeFileSync(join(folder, "heed.config.ts"), config);
  expect(run(command)).toContain("0 open, 0 overdue");
});
