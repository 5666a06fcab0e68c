import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { runCommand } from "../test/run-command.ts";

/** Asks `heed status` in a folder with these files. */
async function statusWith(files: Readonly<Record<string, string>>) {
  const folder = mkdtempSync(join(tmpdir(), "heed-config-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const { status, stdout, stderr } = await runCommand(folder, ["status"]);
  expect([status, stdout]).toEqual([1, ""]);
  expect(stderr).not.toContain("canary");
  return stderr.trimEnd();
}

it.each([
  ["does not parse", { "heed.config.ts": "const a = 1;\n\nconst canary = ;\n" }, "(heed.config.ts:3)"],
  [
    "imports what does not parse",
    {
      "heed.config.ts": 'import "./policy.ts";\n',
      "policy.ts": "const canary = 1;\nexport const policy = { canary: ;\n",
    },
    "(policy.ts:2)",
  ],
  [
    "needs more than types stripped",
    { "heed.config.ts": "\nenum Canary { canary }\n" },
    "(heed.config.ts:2)",
  ],
  [
    "imports what is not there",
    { "heed.config.mjs": '\nimport { nothing } from "node:fs";\n' },
    "(heed.config.mjs:2)",
  ],
  [
    "throws further down",
    { "heed.config.mjs": 'const canary = "{";\n\nJSON.parse.call(null, "");\n' },
    "(heed.config.mjs:3)",
  ],
  [
    "throws what looks like a place",
    { "heed.config.mjs": 'throw new Error("see example.org:80\\nfor more");\n' },
    "(heed.config.mjs:1)",
  ],
  [
    "is JavaScript that does not parse",
    { "heed.config.mjs": "const canary = ;\n" },
    "(node --check <file> says where)",
  ],
])("names the line of a configuration that %s, and quotes nothing of it", async (_what, files, place) => {
  const said = await statusWith(files);
  expect(said.startsWith(`heed: The configuration could not be loaded ${place}: `)).toBe(true);
});
