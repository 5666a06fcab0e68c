import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { ownAccounts } from "./own-accounts.ts";

it(
  "on accounts an interruption stops all work, and what is left behind is told",
  { timeout: 180_000 },
  async () => {
    const { play, output, onPrint, portal, stripe } = await ownAccounts();
    const interruption = new AbortController();
    // A worker is carrying erasures out.
    onPrint((line) => {
      if (line.includes("steps  ")) interruption.abort();
    });
    expect(await play(["--yes"], "nobody", interruption.signal)).toBe(130);
    const [, left = ""] = output().split("It left behind:");
    const contacts = portal.search("+heed-").filter((place) => place.startsWith("contact "));
    expect(contacts.length).toBeGreaterThan(0);
    for (const contact of contacts) expect(left).toContain(contact);
    for (const customer of stripe.state.customers.keys()) expect(left).toContain(`customer ${customer}`);
    const calls = () => portal.calls.length + stripe.calls.length;
    const before = calls();
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(calls()).toBe(before);
  },
);

describe("the demo's process", () => {
  const start = (env: Record<string, string>, ...args: string[]) => {
    const names = new Set(["HUBSPOT_ACCESS_TOKEN", "STRIPE_API_KEY", "SMTP_URL"]);
    const own = Object.fromEntries(Object.entries(process.env).filter(([name]) => !names.has(name)));
    const demo = fileURLToPath(new URL("../src/demo.ts", import.meta.url));
    return spawn(process.execPath, ["-C", "@heed/source", demo, ...args], { env: { ...own, ...env } });
  };

  it.each([
    [{ STRIPE_API_KEY: "sk_test_canary" }, [], "Not set: HUBSPOT_ACCESS_TOKEN, SMTP_URL."],
    [{}, ["--no"], "The demo takes --yes, and nothing else."],
  ])("ends with 1 for %j %j, and says why", async (env, args, why) => {
    const child = start(env, ...args);
    const [out, err, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "exit"),
    ]);
    expect([code, out]).toEqual([1, ""]);
    expect(err).toContain(why);
    expect(err).not.toContain("canary");
  });

  it("ends when it is interrupted, among stand-ins too", async () => {
    const child = start({});
    child.stdout.once("data", () => child.kill("SIGINT"));
    expect(await once(child, "exit")).toEqual([130, null]);
  });
});
