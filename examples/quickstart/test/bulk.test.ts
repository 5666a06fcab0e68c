import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";

const guide = readFileSync(new URL("../../../docs/work.md", import.meta.url), "utf8");
const [, example = ""] = /## Many choices at once.*?```ts\n(.*?)```/s.exec(guide) ?? [];
const application = `import { createHeed, definePolicy, ephemeralKeys, memory } from "@heed/core";
const policy = definePolicy({
  controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
  purposes: { news: { basis: "consent" } },
  topics: { "product-news": { class: "marketing", purpose: "news" } },
});
const heed = createHeed({ policy, storage: memory(), keys: ephemeralKeys() });
`;
const asked = `for (const email of ["p0@example.org", "p9@example.org", "p299@example.org"])
  console.log((await heed.permits.take({ topic: "product-news", email, messageKey: email })).because);
`;
let folder = "";

beforeAll(() => {
  folder = mkdtempSync(fileURLToPath(new URL("../bulk-", import.meta.url)));
});
afterAll(() => rmSync(folder, { recursive: true }));

function run(): readonly string[] {
  const flags = ["-C", "@heed/source", "--input-type=module-typescript", "-e", application + example + asked];
  return execFileSync(process.execPath, flags, { cwd: folder, encoding: "utf8" }).split("\n");
}

it("the guide's example records a file of choices, says what it refused, and goes on where it was", () => {
  const lines = Array.from({ length: 300 }, (_, index) => `p${index}@example.org,2025-03-01T10:00:00Z`);
  lines[7] = "nobody,2025-03-01T10:00:00Z";
  lines[8] = "p8@example.org,yesterday";
  // Nobody knows when: an opt-out all the same.
  lines[9] = "p9@example.org,";
  lines[299] = "p299@example.org";
  writeFileSync(join(folder, "opted-out.csv"), `${lines.join("\n")}\n`);
  expect(run().slice(0, 6)).toEqual([
    expect.stringMatching(/^line 8: unparsable-identifier: The email cannot be read: /),
    expect.stringMatching(/^line 9: invalid-input: `at` is not an instant\. Pass RFC 3339 with a zone/),
    "{ read: 300, changed: 298, refused: 2 }",
    "suppressed",
    "suppressed",
    "suppressed",
  ]);
  expect(readFileSync(join(folder, "position"), "utf8")).toBe("300");
  writeFileSync(join(folder, "position"), "200");
  expect(run()[0]).toBe("{ read: 100, changed: 100, refused: 0 }");
});
