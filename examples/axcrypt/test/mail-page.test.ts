import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const page = readFileSync(new URL("../../../docs/mail.md", import.meta.url), "utf8");
const between = (from: string, to: string): string => page.slice(page.indexOf(from), page.indexOf(to));
const [, company = ""] = /```ts\n(.*?)```/s.exec(between("\n## The application", "\n## A day")) ?? [];
const [, day = "", printed = ""] =
  /```ts\n(.*?)```\n\n```\n(.*?)```/s.exec(between("\n## A day", "\n## When")) ?? [];
const root = fileURLToPath(new URL("../../../", import.meta.url));
let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(root, "examples/axcrypt/mail-"));
  writeFileSync(join(folder, "company.ts"), company);
  writeFileSync(join(folder, "day.ts"), day);
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("docs/mail.md", () => {
  it("has an application that does what the page says", () => {
    const flags = ["-C", "@heed/source", join(folder, "day.ts")];
    expect(execFileSync(process.execPath, flags, { encoding: "utf8" })).toBe(printed);
  });

  it("has one that compiles, as strictly as heed itself", { timeout: 120_000 }, () => {
    const options = { extends: join(root, "tsconfig.base.json"), include: ["*.ts"] };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(options));
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    expect(execFileSync(process.execPath, [tsc, "--noEmit", "-p", folder], { encoding: "utf8" })).toBe("");
  });
});
