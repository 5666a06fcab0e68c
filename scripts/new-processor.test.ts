import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newProcessor } from "./new-processor.ts";

const root = join(import.meta.dirname, "..");
const bin = join(root, "node_modules/.bin");
/** A workspace of one package: outside of the repository, so that nothing of it can be left there. */
const workspace = mkdtempSync(join(tmpdir(), "heed-new-processor-"));
let folder = "";

beforeAll(() => {
  for (const file of ["tsconfig.base.json", "tsup.shared.ts", "vitest.shared.ts"])
    copyFileSync(join(root, file), join(workspace, file));
  writeFileSync(join(workspace, "package.json"), '{ "type": "module", "private": true }');
  symlinkSync(join(root, "node_modules"), join(workspace, "node_modules"));
  folder = newProcessor("acme-crm", workspace);
  // What `pnpm install` would link.
  mkdirSync(join(folder, "node_modules/@heed"), { recursive: true });
  for (const name of ["core", "testing"])
    symlinkSync(join(root, "packages", name), join(folder, "node_modules/@heed", name));
  symlinkSync(join(root, "packages/hubspot/node_modules/zod"), join(folder, "node_modules/zod"));
});
afterAll(() => rmSync(workspace, { recursive: true }));

/** The compiler's complaints about the new package; what it imports is checked elsewhere. */
function typeCheck(): readonly string[] {
  const { stdout, error } = spawnSync(join(bin, "tsc"), ["--noEmit", "-p", folder], { encoding: "utf8" });
  if (error !== undefined) throw error;
  return stdout.split("\n").filter((line) => line.includes("acme-crm"));
}

interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly title: string; readonly status: string }[];
  }[];
}

/** The titles of its tests by what became of them. */
function judged(...files: readonly string[]): Readonly<Record<string, readonly string[]>> {
  const report = join(workspace, "report.json");
  const flags = ["run", "--root", folder, "--reporter=json", `--outputFile=${report}`, ...files];
  spawnSync(join(bin, "vitest"), flags, {
    encoding: "utf8",
    env: { ...process.env, VITEST: "", VITEST_WORKER_ID: "", VITEST_POOL_ID: "" },
  });
  const { testResults } = JSON.parse(readFileSync(report, "utf8")) as Report;
  const results = testResults.flatMap(({ assertionResults }) => assertionResults);
  return Object.fromEntries(
    ["passed", "failed", "skipped"].map((status) => [
      status,
      results.filter((each) => each.status === status).map(({ title }) => title),
    ]),
  );
}

/** Its files that say what a step is to replace. */
function texts(): readonly string[] {
  return globSync(["README.md", "src/**/*.ts"], { cwd: folder })
    .map((file) => join(folder, file))
    .filter((file) => /\bstep \d: /i.test(readFileSync(file, "utf8")));
}

function fillIn(file: string, from: string, to: string): void {
  const path = join(folder, file);
  const text = readFileSync(path, "utf8");
  expect(text).toContain(from);
  writeFileSync(path, text.replace(from, to));
}

const checkAccount = `
import { type Checked, RejectedError } from "@heed/core/contract";
import { z } from "zod";
import type { AcmeCrmCalls } from "./acme-crm-calls.ts";

export async function checkAccount({ ask }: AcmeCrmCalls): Promise<Checked> {
  const { id: account } = await ask({ method: "GET", path: "/account" }, z.object({ id: z.string() }));
  const lacks: Checked["lacks"][number][] = [];
  try {
    await ask({ method: "GET", path: "/people?email=nobody%40heed.invalid" }, z.object({}));
  } catch (error) {
    if (!(error instanceof RejectedError)) throw error;
    lacks.push({ operation: "erase", needs: "people: read and write" });
  }
  return { account, lacks, unknownTopics: [] };
}
`;

const erase = `
import type { Call, Finding, Outcome, Resolution } from "@heed/core/contract";
import { z } from "zod";
import { type AcmeCrmCalls, isMissing } from "./acme-crm-calls.ts";

type EraseCall = Call<"erase", "email">;

const peopleSchema = z.object({ people: z.array(z.object({ id: z.string(), email: z.string() })) });

const listed = async ({ ask }: AcmeCrmCalls, email: string) =>
  (await ask({ method: "GET", path: \`/people?email=\${encodeURIComponent(email)}\` }, peopleSchema)).people;

export async function findPerson(calls: AcmeCrmCalls, { identifiers: [via] }: EraseCall): Promise<Resolution> {
  const people = await listed(calls, via.value);
  const own = people.filter(({ email }) => email === via.value);
  return { targets: own.map(({ id }) => ({ kind: "person", id, via, verified: true })) };
}

export async function erasePerson(calls: AcmeCrmCalls, { targets }: EraseCall): Promise<Outcome<"erase">> {
  let affected = 0;
  for (const { id } of targets) {
    try {
      await calls.send({ method: "DELETE", path: \`/people/\${id}\` });
      affected += 1;
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
  return targets.length === 0 ? { status: "absent" } : { status: "done", affected };
}

export async function isErased(calls: AcmeCrmCalls, { identifiers: [{ value }] }: EraseCall): Promise<Finding> {
  return { seen: (await listed(calls, value)).length > 0 ? "not-as-asked" : "as-asked" };
}
`;

const exampleRuns = "the example in the README prints what the README says";
const nothingLeft = "nothing is left that a step of CONTRIBUTING is to replace";

const cannot = `cannot: [
    { case: "works through every page of a set, also while it shrinks", reason: "Nothing here has pages." },
    { case: "touches nobody whom the vendor's search merely also finds", reason: "It compares for equality." },
    { case: "reports what it retains, with reason and date", reason: "It keeps one thing, and that is erased." },
  ],`;

describe("a new processor", { timeout: 120_000 }, () => {
  it("compiles as it is written, and breaks no rule of the house", () => {
    expect(typeCheck()).toEqual([]);
    const rules = spawnSync(join(bin, "oxlint"), ["-c", join(root, ".oxlintrc.json"), join(folder, "src")], {
      encoding: "utf8",
    });
    expect(rules.stdout).toContain("Found 0 warnings and 0 errors.");
    expect(readdirSync(folder, { recursive: true, encoding: "utf8" }).toSorted()).toEqual(
      expect.arrayContaining([
        "README.md",
        "package.json",
        "src/conformance.test.ts",
        "src/testing/index.ts",
      ]),
    );
  });

  it("fails every case of the kit before anything is written", () => {
    const { passed, failed = [], skipped } = judged();
    expect([passed, skipped]).toEqual([[], []]);
    expect(failed).toEqual(
      expect.arrayContaining(["does it in the world, and reads it back", "proves which account it is"]),
    );
  });

  it("passes those that a part is for when that part is written", () => {
    writeFileSync(join(folder, "src/check-account.ts"), checkAccount);
    expect(judged()["passed"]).toEqual([
      "proves which account it is",
      "says before anything is done which permission is missing",
      exampleRuns,
    ]);
  });

  it("passes the kit when it is filled in", () => {
    writeFileSync(join(folder, "src/erase.ts"), erase);
    fillIn("src/conformance.test.ts", "cannot: [],", cannot);
    expect(typeCheck()).toEqual([]);
    // What is still to be said in a single file is left over.
    const said = (file: string) =>
      writeFileSync(file, readFileSync(file, "utf8").replaceAll(/\bstep \d: /gi, ""));
    const [last = "", ...others] = texts();
    for (const file of others) said(file);
    expect(judged("src/readme")["failed"]).toEqual([nothingLeft]);
    said(last);
    const { passed = [], failed, skipped = [] } = judged();
    expect(failed).toEqual([]);
    expect(passed.length).toBeGreaterThan(25);
    for (const title of skipped)
      expect(title).toMatch(/ — cannot be shown: \w|^(?:reads answers|takes what)/);
  });

  it("passes by the example in the README of @heed/testing, too", () => {
    const readme = readFileSync(join(root, "packages/testing/README.md"), "utf8");
    const example = /```ts\n(import \{ describeProcessor \}.*?)```/s.exec(readme)?.[1] ?? "";
    writeFileSync(join(folder, "src/conformance.test.ts"), example);
    expect(typeCheck()).toEqual([]);
    const { passed = [], failed } = judged();
    expect(failed).toEqual([]);
    expect(passed.length).toBeGreaterThan(25);
  });

  it("has a stand-in that listens, and that gives no id twice", async () => {
    const code = `
      import { acmeCrmAccount } from "@heed/acme-crm/testing";
      const account = acmeCrmAccount();
      const { url, close } = await account.listen();
      const authorization = "Bearer " + account.apiKey;
      const ask = async (path: string, method = "GET") => (await fetch(url + path, { method, headers: { authorization } })).text();
      const first = account.add("anna@example.org");
      account.add("bo@example.org");
      await ask("/people/" + first.id, "DELETE");
      account.add("cilla@example.org");
      console.log(account.people.size, await ask("/account"), await ask("/people?email=anna%40example.org"));
      await close();
      console.log(await ask("/account").catch(() => "closed"));`;
    const flags = ["-C", "@heed/source", "--input-type=module-typescript", "-e", code];
    const { stdout } = spawnSync(process.execPath, flags, { cwd: folder, encoding: "utf8" });
    expect(stdout).toBe('2 {"id":"account-1"} {"people":[]}\nclosed\n');
  });

  it("says how it is called, and writes nothing, without a name and with two", () => {
    for (const names of [[], ["zz-one", "zz-two"]]) {
      const { status, stderr } = spawnSync(
        process.execPath,
        [join(root, "scripts/new-processor.ts"), ...names],
        {
          encoding: "utf8",
        },
      );
      expect([status, stderr]).toEqual([1, "Usage: pnpm new-processor <name>, for example acme-crm\n"]);
    }
    expect(readdirSync(join(root, "packages"))).not.toContain("zz-one");
  });

  it("refuses a name that its code could not be compiled with", () => {
    const taken = ["erase", "index", "check-account", "account", "options", "calls", "each", "between", "of"];
    for (const name of ["delete", "class", "await", "let", "undefined", ...taken])
      expect(() => newProcessor(name, workspace)).toThrow(
        new TypeError(`"${name}" means something else in the code: take another name, such as ${name}-crm.`),
      );
    expect(readdirSync(join(workspace, "packages"))).toEqual(["acme-crm"]);
  });

  it("refuses a name that is no package's, and one that is taken", () => {
    for (const name of ["", "Acme", "acme_crm", "acme--crm", "../acme"])
      expect(() => newProcessor(name, workspace)).toThrow(TypeError);
    expect(() => newProcessor("acme-crm", workspace)).toThrow("exists already");
  });
});
