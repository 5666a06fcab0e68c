import { newKey } from "@heed/core";
import { describe, expect, it } from "vitest";
import { run } from "./run.ts";

/** Runs a command in this process, with standard error a terminal or not. */
async function ranWith(args: readonly string[], isTTY: boolean, keys?: string) {
  const said = { stdout: "", stderr: "" };
  const exitCode = await run(args, {
    env: { HEED_KEYS: keys },
    stdout: { write: (text) => void (said.stdout += text) },
    stderr: { write: (text) => void (said.stderr += text), isTTY },
  });
  return { exitCode, ...said };
}

describe("run", () => {
  it("explains a keyring where a person reads along, beside it and never in it", async () => {
    const { exitCode, stdout, stderr } = await ranWith(["keys"], true);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^\S+\n$/);
    expect(stderr).toContain("HEED_KEYS");
    expect(stderr).not.toContain(stdout.trim());
  });

  it("says what comes next in a rotation", async () => {
    const { stdout, stderr } = await ranWith(["keys", "--rotate"], true, newKey());
    expect(stderr).toContain("heed keys --activate");
    expect((await ranWith(["keys", "--activate"], true, stdout.trim())).stderr).toContain("Keep that one");
  });

  it("says nothing to a script", async () => {
    expect((await ranWith(["keys"], false)).stderr).toBe("");
  });

  it.each([
    ["status", "--canary"],
    ["status", "canary"],
    ["receipt"],
    ["receipt", "canary", "canary"],
    ["verify", "receipt.json"],
    ["verify", "receipt.json", "--keys", "public.json", "--config", "heed.config.ts"],
    ["verify", "--public-keys", "--keys", "public.json"],
    ["verify", "canary", "canary"],
    ["backup"],
    ["backup", "canary", "canary"],
    ["restore", "canary"],
    ["migrate", "--canary"],
    ["keys", "--status", "--finish"],
    ["keys", "--finish", "--rotate"],
    ["keys", "--status", "--env"],
    ["keys", "--config", "canary.ts"],
  ])("does not understand heed %s %s %s, ends with 2 and repeats nothing", async (...args) => {
    const { exitCode, stdout, stderr } = await ranWith(args, true, newKey());
    expect([exitCode, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("heed --help");
    expect(stderr).not.toContain("canary");
  });
});
