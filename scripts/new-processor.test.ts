import { spawnSync } from "node:child_process";
import {
  copyFileSync,
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

/** The titles of the kit's cases by what became of them. */
function judged(): Readonly<Record<string, readonly string[]>> {
  const report = join(workspace, "report.json");
  spawnSync(join(bin, "vitest"), ["run", "--root", folder, "--reporter=json", `--outputFile=${report}`], {
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
import { type Answers, type Call, type Finding, type Outcome, type Resolution, each } from "@heed/core/contract";
import { z } from "zod";
import { type AcmeCrmCalls, isMissing } from "./acme-crm-calls.ts";

type EraseCall = Call<"erase", "email">;

const peopleSchema = z.object({ people: z.array(z.object({ id: z.string(), email: z.string() })) });
const never = undefined as never;

const listed = async ({ ask }: AcmeCrmCalls, email: string) =>
  (await ask({ method: "GET", path: \`/people?email=\${encodeURIComponent(email)}\` }, peopleSchema)).people;

export function findPeople(calls: AcmeCrmCalls, batch: readonly EraseCall[]): Promise<Answers<Resolution>> {
  return each(async ({ identifiers: [via] }: EraseCall): Promise<Resolution> => {
    const people = await listed(calls, via.value);
    const own = people.filter(({ email }) => email === via.value);
    return { targets: own.map(({ id }) => ({ kind: "person", id, via, verified: true })) };
  })(batch, never);
}

export function erasePerson(calls: AcmeCrmCalls, batch: readonly EraseCall[]): Promise<Answers<Outcome<"erase">>> {
  return each(async ({ targets }: EraseCall): Promise<Outcome<"erase">> => {
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
  })(batch, never);
}

export function isErased(calls: AcmeCrmCalls, batch: readonly EraseCall[]): Promise<Answers<Finding>> {
  return each(async ({ identifiers: [{ value }] }: EraseCall): Promise<Finding> => {
    return { seen: (await listed(calls, value)).length > 0 ? "not-as-asked" : "as-asked" };
  })(batch, never);
}
`;

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
    ]);
  });

  it("passes the kit when it is filled in", () => {
    writeFileSync(join(folder, "src/erase.ts"), erase);
    fillIn("src/conformance.test.ts", "cannot: [],", cannot);
    expect(typeCheck()).toEqual([]);
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

  it("refuses a name that is no package's, and one that is taken", () => {
    for (const name of ["", "Acme", "acme_crm", "acme--crm", "../acme"])
      expect(() => newProcessor(name, workspace)).toThrow(TypeError);
    expect(() => newProcessor("acme-crm", workspace)).toThrow("exists already");
  });
});
