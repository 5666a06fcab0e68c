import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { mailServer, type MailServer } from "../src/testing/index.ts";
import { names } from "./system-mail-data.ts";

const folder = new URL("..", import.meta.url);
const readme = await readFile(new URL("README.md", folder), "utf8");
let directory = "";
let post: MailServer;

// The examples find the packages from where they are run, and the options of the mailer beside them.
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "heed-readme-"));
  await mkdir(join(directory, "node_modules/@heed"), { recursive: true });
  await symlink(
    fileURLToPath(new URL("node_modules/nodemailer", folder)),
    join(directory, "node_modules/nodemailer"),
  );
  for (const name of ["core", "mailer"]) {
    await symlink(fileURLToPath(new URL(`../${name}`, folder)), join(directory, "node_modules/@heed", name));
  }
  post = await mailServer();
  const options = `
    import { generateKeyPairSync } from "node:crypto";
    import { createHeed, definePolicy, ephemeralKeys, memory } from "@heed/core";
    const policy = definePolicy({
      controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
      recipients: {},
      purposes: { account: { basis: "contract" }, news: { basis: "consent" } },
      topics: {
        account: { class: "transactional", purpose: "account" },
        news: { class: "marketing", purpose: "news" },
      },
    });
    export const heed = createHeed({ policy, storage: memory(), keys: ephemeralKeys(), processors: {} });
    const subject = { email: "anna@dest.example" };
    await heed.consent.give({ subject, purpose: "news", evidence: { none: true } });
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    export const options = {
      permits: heed.permits,
      transport: { host: "${post.host}", port: ${post.port} },
      from: "account@acme.example",
      dkim: { domain: "acme.example", selector: "s1", privateKey },
      unsubscribe: { url: "https://acme.example/u" },
    };`;
  await writeFile(join(directory, "options.ts"), options);
});
afterAll(async () => {
  await post.close();
  await rm(directory, { recursive: true });
});

it.each([
  "What a message says of itself",
  "For nodemailer code that is there already",
  "As one of heed's processors",
  "Templates",
  "Heed's own mails",
  "Mail that comes in",
])("the example of “%s” prints what the README says", async (heading) => {
  const section = readme.slice(readme.indexOf(`\n## ${heading}\n`));
  const [, example = "", printed] = /```ts\n([^]*?)```\n\n```\n([^]*?)```/.exec(section) ?? [];
  const file = join(directory, "example.ts");
  await writeFile(file, example);
  const { stdout } = await promisify(execFile)(process.execPath, ["-C", "@heed/source", file]);
  expect(stdout).toBe(printed);
});

it("what the examples send arrived", () => {
  expect(post.messages.map(({ subject, text }) => [subject, text?.trim()])).toEqual([
    ["Your question", "It works now."],
    ["Hi", "Hi!"],
    ["Välkommen", "Anna!"],
  ]);
});

it("the table of heed's own mails has each that there is", () => {
  const section = readme.slice(readme.indexOf("\n## Heed's own mails\n"));
  const rows = Array.from(section.split("\n## ")[1]?.matchAll(/^\| `([\w-]+)`/gm) ?? [], ([, name]) => name);
  expect(rows).toEqual(names);
});
