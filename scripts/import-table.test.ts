import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..");
const binaries = join(root, "node_modules/.bin");
const oxlint = join(root, "node_modules/oxlint/bin/oxlint");

/** A file, the modules it may not import, and those it may. */
const rooms: readonly (readonly [file: string, refused: string, allowed: string])[] = [
  ...["contract", "errors"].map(
    (folder) =>
      [
        `packages/core/src/${folder}/x.ts`,
        "../policy/policy.ts ../index.ts node:crypto zod/v3 @heed/hubspot stripe",
        "./other.ts ../contract/clock.ts ../errors/heed-error.ts zod node:url",
      ] as const,
  ),
  [
    "packages/core/src/engine/x.ts",
    "@heed/hubspot @heed/sqlite @heed/testing ../../../sqlite/src/index.ts @hubspot/api-client stripe " +
      "nodemailer srvx express node:sqlite node:timers node:timers/promises node:http",
    "./other.ts ../contract/clock.ts ../system-clock.ts zod node:crypto node:url node:diagnostics_channel",
  ],
  [
    "packages/core/src/opentelemetry.ts",
    "node:http stripe @heed/sqlite @opentelemetry/sdk-trace node:timers",
    "./engine/tracing.ts node:async_hooks node:diagnostics_channel @opentelemetry/api",
  ],
  [
    "packages/core/src/journal/file-journal.ts",
    "node:sqlite node:http node:timers/promises @heed/sqlite stripe",
    "./journal.ts ../errors/heed-error.ts node:crypto node:fs node:fs/promises node:path",
  ],
  [
    "packages/core/src/journal/journaled-storage.ts",
    "node:fs node:fs/promises node:path",
    "./journal.ts ../contract/storage.ts node:crypto",
  ],
  [
    "packages/core/src/system-clock.ts",
    "node:http stripe @heed/sqlite",
    "./contract/clock.ts node:timers/promises",
  ],
  ...["hubspot", "mailer", "stripe-tokens", "an-adapter-to-come"].map(
    (adapter) =>
      [
        `packages/${adapter}/src/x.ts`,
        "@heed/another ../../another/src/index.ts @heed/core @heed/core/storage ../../core/dist/index.js " +
          "../../core/src/engine/claim.ts @heed/sqlite @heed/postgres node:sqlite @heed/testing @heed/web",
        "./other.ts ../package.json @heed/core/contract zod node:crypto a-vendor/client",
      ] as const,
  ),
  [
    "packages/hubspot/src/testing/x.ts",
    "@heed/mailer @heed/mailer/testing @heed/core @heed/sqlite ../../../mailer/src/x.ts",
    "../options.ts ./other.ts @heed/testing @heed/core/contract msw node:http",
  ],
  ...["sqlite", "postgres"].map(
    (storage) =>
      [
        `packages/${storage}/src/x.ts`,
        "@heed/hubspot @heed/core @heed/testing ../../core/src/engine/claim.ts",
        "./other.ts @heed/core/storage node:sqlite pg",
      ] as const,
  ),
  ...["web", "cli"].map(
    (edge) =>
      [
        `packages/${edge}/src/x.ts`,
        "@hubspot/api-client stripe nodemailer node:sqlite pg @heed/hubspot @heed/sqlite @heed/core/storage " +
          "../../sqlite/src/x.ts",
        "./other.ts ../package.json @heed/core @heed/core/contract @heed/core/evidence node:http node:fs/promises srvx srvx/node zod",
      ] as const,
  ),
  [
    "packages/testing/src/x.ts",
    "@heed/hubspot @heed/hubspot/testing @heed/sqlite ../../hubspot/src/index.ts",
    "./other.ts @heed/core @heed/core/contract @heed/core/storage vitest",
  ],
  ...["hubspot/src/x.test.ts", "hubspot/test/x.ts", "web/src/x.test-d.ts"].map(
    (test) =>
      [
        `packages/${test}`,
        "@heed/mailer @heed/sqlite ../../mailer/src/index.ts",
        "../src/index.ts @heed/testing @heed/core @heed/core/contract vitest msw/node",
      ] as const,
  ),
  ...["src/x.test.ts", "test/x.ts"].map(
    (test) =>
      [
        `packages/cli/${test}`,
        "@heed/hubspot @heed/postgres ../../sqlite/src/index.ts",
        "./run.ts @heed/sqlite @heed/testing @heed/core @heed/core/evidence vitest",
      ] as const,
  ),
  [
    "packages/core/src/x.test.ts",
    "@heed/testing @heed/sqlite ../../testing/src/index.ts",
    "./index.ts vitest fast-check node:sqlite",
  ],
  [
    "examples/quickstart/src/x.ts",
    "../../../packages/core/src/index.ts",
    "@heed/core @heed/hubspot @heed/hubspot/testing ./other.ts stripe",
  ],
];

/** A file, lines that are refused in it, and lines that are not. */
interface Case {
  readonly file: string;
  readonly refused: readonly string[];
  readonly allowed: readonly string[];
}

function importsOf(modules: string): readonly string[] {
  return modules.split(" ").map((module, index) => `import { a as a${index} } from "${module}";`);
}

/** Code that reads the time or chance from anywhere but the clock and node:crypto, and code that does not. */
const ambient: Case = {
  file: "packages/core/src/engine/now.ts",
  refused: [
    "Date.now();",
    "new Date();",
    "Date();",
    "performance.now();",
    "Math.random();",
    "globalThis.Date;",
    "setTimeout(f, 1);",
    "setInterval(f, 1);",
    "setImmediate(f);",
    "AbortSignal.timeout(1);",
  ],
  allowed: ["new Date(instant);", "Date.parse(instant);", "Math.max(1, 2);", "clock.now();"],
};

/** Every way to name another module. */
const forms: Case = {
  file: "packages/core/src/contract/forms.ts",
  refused: [
    'import { a } from "stripe";',
    'import type { B } from "stripe";',
    'import * as c from "stripe";',
    'export { d } from "stripe";',
    'export const e = () => import("stripe");',
    'export type F = import("stripe").F;',
  ],
  allowed: ['import { a } from "zod";', 'export type { B } from "./b.ts";'],
};

const exporting: Case = {
  file: "packages/web/src/exporting.ts",
  refused: ['export * from "./other.ts";', 'export * as other from "./other.ts";', "export default 1;"],
  allowed: ['export { other } from "./other.ts";', "export const one = 1;"],
};

const cycle = {
  "packages/web/src/hen.ts": 'import "./egg.ts";',
  "packages/web/src/egg.ts": 'import "./hen.ts";',
  "packages/web/src/farm.ts": 'import "./field.ts";',
  "packages/web/src/field.ts": "export const corn = 1;",
};

const untyped: Case = {
  file: "packages/web/src/untyped.ts",
  refused: ["export const a: any = 1;", "export const b = [] as any[];"],
  allowed: ["export const a: unknown = 1;"],
};

/** The rules at issue; others have opinions of their own about files this short. */
const ofTheTable =
  /^(eslint\(no-restricted-|heed\(|import\(no-(cycle|default-export)|typescript\((no-explicit-any|consistent-type-imports))/;

interface Diagnostic {
  readonly filename: string;
  /** `plugin(rule)`; missing when the file could not be read, so that no rule looked at it. */
  readonly code?: string;
  readonly message: string;
  readonly labels: readonly { readonly span: { readonly line: number } }[];
}

/** Writes the files beside a copy of the configuration and tells which of their lines oxlint refuses. */
function refusedLines(files: Readonly<Record<string, readonly string[]>>): Record<string, readonly string[]> {
  const folder = mkdtempSync(join(tmpdir(), "heed-import-table-"));
  try {
    cpSync(join(root, ".oxlintrc.json"), join(folder, ".oxlintrc.json"));
    cpSync(join(root, "scripts/lint"), join(folder, "scripts/lint"), { recursive: true });
    for (const [path, lines] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), lines.join("\n"));
    }
    const { stdout } = spawnSync(process.execPath, [oxlint, "--format", "json"], {
      cwd: folder,
      // oxlint looks for the type-aware half of itself here.
      env: { ...process.env, PATH: [binaries, process.env["PATH"]].join(delimiter) },
      encoding: "utf8",
    });
    const { diagnostics } = JSON.parse(stdout) as { diagnostics: readonly Diagnostic[] };
    const unread = diagnostics.find(({ code }) => !code?.includes("("));
    if (unread !== undefined) throw new Error(`oxlint cannot read ${unread.filename}: ${unread.message}`);
    const broken = diagnostics.filter(({ code }) => ofTheTable.test(code ?? ""));
    return Object.fromEntries(
      Object.entries(files).map(([path, lines]) => {
        const here = broken.filter(({ filename }) => filename === path);
        const numbers = new Set(here.flatMap(({ labels }) => labels.map(({ span }) => span.line)));
        return [path, lines.filter((_line, index) => numbers.has(index + 1))];
      }),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const cases: readonly Case[] = [
  ...rooms.map(([file, refused, allowed]) => ({
    file,
    refused: importsOf(refused),
    allowed: importsOf(allowed),
  })),
  ambient,
  forms,
  exporting,
  untyped,
];

describe("the import table", () => {
  const offending = refusedLines(Object.fromEntries(cases.map(({ file, refused }) => [file, refused])));
  const proper = refusedLines(Object.fromEntries(cases.map(({ file, allowed }) => [file, allowed])));

  it.each(cases)("refuses in $file what does not belong there, line by line", ({ file, refused }) => {
    expect(offending[file]).toEqual(refused);
  });

  it.each(cases)("allows in $file what belongs there", ({ file, allowed }) => {
    expect(allowed).not.toEqual([]);
    expect(proper[file]).toEqual([]);
  });

  it("refuses a cycle and nothing beside it", () => {
    const lines = Object.fromEntries(Object.entries(cycle).map(([file, line]) => [file, [line]]));
    expect(refusedLines(lines)).toEqual({
      "packages/web/src/hen.ts": ['import "./egg.ts";'],
      "packages/web/src/egg.ts": ['import "./hen.ts";'],
      "packages/web/src/farm.ts": [],
      "packages/web/src/field.ts": [],
    });
  });
});
