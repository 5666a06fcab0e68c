import { spawnSync } from "node:child_process";
import { existsSync, openSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { keyring, newKey } from "@heed/core";
import { describe, expect, it, onTestFinished } from "vitest";
import manifest from "../package.json" with { type: "json" };
import { durableHome } from "../test/durable-home.ts";
import { quietly, runCommand } from "../test/run-command.ts";
import { stageKey } from "./rotate-keyring.ts";

const bin = fileURLToPath(new URL("heed.ts", import.meta.url));

/** Runs the command as a process of its own, with nothing else in its environment. */
function heed(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["-C", "@heed/source", bin, ...args], {
    env: { ...env, ...quietly },
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

function statesOf(keys: string): readonly (string | undefined)[] {
  return keys.split(",").map((entry) => entry.split(":")[1]);
}

describe("heed keys", () => {
  it("prints one new keyring that core accepts, and nothing else", () => {
    const inUse = newKey();
    const { status, stdout, stderr } = heed(["keys"], { HEED_KEYS: inUse });
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^\S+\n$/);
    expect(keyring(stdout).ephemeral).toBe(false);
    expect(stdout.trim()).not.toBe(inUse);
    expect(stdout.trim()).not.toBe(heed(["keys"]).stdout.trim());
  });

  it.skipIf(!existsSync("/dev/full"))("ends with 1 when what it prints finds no room", () => {
    const { status, stderr } = spawnSync(process.execPath, ["-C", "@heed/source", bin, "keys"], {
      env: quietly,
      stdio: ["ignore", openSync("/dev/full", "w"), "pipe"],
      encoding: "utf8",
    });
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching(/^heed: The output could not be written.*\n$/),
    ]);
  });

  it("prints a line for an env file that needs no quotes", () => {
    const { stdout } = heed(["keys", "--rotate", "--env"], { HEED_KEYS: newKey() });
    expect(stdout).toMatch(/^HEED_KEYS=[\w:,-]+\n$/);
    expect(() => keyring(stdout.slice("HEED_KEYS=".length))).not.toThrow();
  });

  it("rotates the keyring of its environment in two steps", () => {
    const staged = heed(["keys", "--rotate"], { HEED_KEYS: newKey() });
    expect([staged.status, statesOf(staged.stdout)]).toEqual([0, ["active", "staged"]]);
    const active = heed(["keys", "--activate"], { HEED_KEYS: staged.stdout });
    expect([active.status, statesOf(active.stdout)]).toEqual([0, ["lookup", "active"]]);
  });

  it.each([
    ["--rotate", "no keyring", "", "npx @heed/cli keys"],
    ["--activate", "no keyring that can be read", "ab:active:canary", "npx @heed/cli keys"],
    ["--activate", "nothing staged", newKey(), "heed keys --rotate"],
    ["--rotate", "a key staged already", stageKey(newKey()), "heed keys --activate"],
  ])("%s with %s ends with 1, says what to do and repeats no key", (flag, _case, keys, hint) => {
    const { status, stdout, stderr } = heed(["keys", flag], { HEED_KEYS: keys });
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr).toContain(hint);
    const secrets = keys.split(",").flatMap((entry) => entry.split(":")[2] ?? []);
    for (const secret of secrets) expect(stderr).not.toContain(secret);
  });
});

describe("heed", () => {
  it.each([[["--help"]], [["-h"]], [["keys", "--help"]]])("explains itself on %j", (args) => {
    const { status, stdout, stderr } = heed(args);
    expect([status, stderr]).toEqual([0, ""]);
    for (const command of ["work", "status", "receipt", "verify", "backup", "restore", "keys --rotate"])
      expect(stdout).toContain(`\n  ${command} `);
  });

  it("says its version", () => {
    expect(heed(["--version"])).toEqual({ status: 0, stdout: `${manifest.version}\n`, stderr: "" });
  });

  it.each([
    ["an unknown command", ["canary@example.org"]],
    ["an unknown option", ["keys", "--canary@example.org"]],
    ["a key on the command line", ["keys", "--rotate", "ab:active:canary"]],
    ["both halves of a rotation at once", ["keys", "--rotate", "--activate"]],
    ["no command", []],
  ])("ends with 2 on %s, points to the help and repeats nothing", (_case, args) => {
    const { status, stdout, stderr } = heed(args);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("heed --help");
    expect(stderr).not.toContain("canary");
  });
});

describe("a command", () => {
  it.each([["status"], ["work --once"]])(
    "ends though the configuration keeps a timer: %s",
    async (line) => {
      const company = durableHome();
      onTestFinished(() => company.remove());
      const lingering = fileURLToPath(new URL("../test/lingering/", import.meta.url));
      const env = { HEED_HOME: company.home, HEED_KEYS: newKey() };
      const ended = await runCommand(lingering, line.split(" "), env, 10_000);
      expect(ended).toMatchObject({ status: 0, stdout: expect.stringMatching(/\n$/) });
    },
    30_000,
  );
});
