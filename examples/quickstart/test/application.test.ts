import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { newKey } from "@heed/core";
import { afterAll, beforeAll, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const readme = readFileSync(join(root, "README.md"), "utf8");
const example = /## In your application\n.*?```ts\n(.*?)```/s.exec(readme)?.[1] ?? "";
let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(root, "examples/axcrypt/application-"));
  writeFileSync(join(folder, "mine.ts"), played());
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The example with the vendors' stand-ins for the vendors, which drains instead of working on. */
const played = (): string => {
  const instead: readonly (readonly [string, string])[] = [
    ["hubspot({", "hubspot({ baseUrl: atHubspot.url,"],
    ["stripeTokens({", "stripeTokens({ baseUrl: atStripe.url,"],
    ['"acct_1Acme"', "stripe.id"],
    ["/var/lib/acme/heed.db", join(folder, "heed.db")],
    ["heed.work.start();", "await heed.work.drain({ budgetMs: 1000 });"],
  ];
  const code = instead.reduce((text, [from, to]) => {
    expect(text).toContain(from);
    return text.replace(from, to);
  }, example);
  return `import { hubspotPortal } from "@heed/hubspot/testing";
import { stripeAccount } from "@heed/stripe-tokens/testing";
const portal = hubspotPortal({ definitions: [{ id: "4711" }] });
const stripe = stripeAccount();
const [atHubspot, atStripe] = [await portal.listen(), await stripe.listen()];
process.env.HUBSPOT_ACCESS_TOKEN = portal.accessToken;
process.env.STRIPE_API_KEY = stripe.key;
${code}
const { requests } = await heed.work.status();
console.log(JSON.stringify([requests.open, await heed.steps.parked()]));
await Promise.all([atHubspot.close(), atStripe.close()]);
`;
};

it("the application of the README compiles", { timeout: 60_000 }, () => {
  const compilerOptions = { noPropertyAccessFromIndexSignature: false };
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({ extends: "../../../tsconfig.base.json", compilerOptions, files: ["mine.ts"] }),
  );
  const { stdout } = spawnSync(join(root, "node_modules/.bin/tsc"), ["-p", folder], { encoding: "utf8" });
  expect(stdout).toBe("");
});

it("the application of the README runs from its first line to its last", { timeout: 60_000 }, () => {
  const output = execFileSync(process.execPath, ["-C", "@heed/source", join(folder, "mine.ts")], {
    encoding: "utf8",
    env: { PATH: process.env["PATH"], HEED_KEYS: newKey() },
  });
  // What they cancelled, the objection and the erasure go on by themselves.
  expect(output).toBe("[3,[]]\n");
});
