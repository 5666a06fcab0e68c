import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const bin = fileURLToPath(new URL("heed.ts", import.meta.url));
const company = fileURLToPath(new URL("../test/company/", import.meta.url));
const lacking = fileURLToPath(new URL("../test/lacking/", import.meta.url));
const broken = fileURLToPath(new URL("../test/broken/", import.meta.url));
const nowhere = fileURLToPath(new URL("./", import.meta.url));

/** Starts a command in a directory, as a process of its own. */
function start(directory: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, ["-C", "@heed/source", bin, ...args], {
    cwd: directory,
    env: { ...env, NODE_NO_WARNINGS: "1" },
  });
  const ended = Promise.all([once(child, "close"), text(child.stdout), text(child.stderr)]).then(
    ([[status], stdout, stderr]) => ({ status: status as number | null, stdout, stderr }),
  );
  /** Resolves once it has printed that. */
  const said = (words: string) =>
    new Promise<void>((resolve) => {
      child.stdout.on("data", (chunk: Buffer) => {
        if (chunk.includes(words)) resolve();
      });
    });
  return { child, said, ended };
}

describe("heed work", () => {
  it("--once carries out what is due, says each step and nobody's name", async () => {
    const { status, stdout, stderr } = await start(company, ["work", "--once"]).ended;
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/app erase verified/);
    expect(stdout).toMatch(/heed erase verified/);
    expect(stdout).toMatch(/request fulfilled/);
    expect(stdout).toMatch(/2 settled, 0 open/);
    expect(stdout).not.toContain("canary");
  });

  it("ends what it has in hand on SIGTERM, takes nothing new, and ends well", async () => {
    const { child, said, ended } = start(company, ["work"], { SLOW_MS: "800" });
    await said("working");
    await new Promise((resolve) => setTimeout(resolve, 300));
    child.kill("SIGTERM");
    const { status, stdout, stderr } = await ended;
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/SIGTERM: taking nothing new/);
    expect(stdout).toMatch(/app erase goes on: verify/);
    expect(stdout).not.toMatch(/request fulfilled/);
    expect(stdout.trimEnd()).toMatch(/stopped$/);
  });

  it("goes on when nobody reads along any more", async () => {
    const child = spawn(process.execPath, ["-C", "@heed/source", bin, "work"], {
      cwd: company,
      env: { SLOW_MS: "500", NODE_NO_WARNINGS: "1" },
    });
    const ended = Promise.all([once(child, "exit"), text(child.stderr)]);
    await once(child.stdout, "data");
    child.stdout.destroy();
    // The step settles, and is told of into nothing.
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    child.kill("SIGTERM");
    const [[status], stderr] = await ended;
    expect([status, stderr]).toEqual([0, ""]);
  });

  it.each([
    ["no configuration here", nowhere, ["work"], 1, "export const heed = createHeed("],
    ["a configuration that is not there", company, ["work", "--config", "canary.ts"], 1, "--config"],
    ["a configuration that exports no heed", broken, ["work", "--once"], 1, "exports no heed"],
    ["an option that it does not know", company, ["work", "--canary"], 2, "--once"],
  ])("says what to do about %s, and repeats nothing", async (_case, directory, args, code, hint) => {
    const { status, stdout, stderr } = await start(directory, args).ended;
    expect([status, stdout]).toEqual([code, ""]);
    expect(stderr).toContain(hint);
    expect(stderr).not.toContain("canary");
  });
});

describe("heed doctor", () => {
  it("finds a healthy company well", async () => {
    const { status, stdout } = await start(company, ["doctor"]).ended;
    expect([status, stdout]).toEqual([0, "ok      storage\nok      keys   \nok      app    \n"]);
  });

  it("says what a processor lacks, and what to do about it", async () => {
    const { status, stdout } = await start(lacking, ["doctor"]).ended;
    expect(status).toBe(1);
    expect(stdout).toMatch(/NOT OK {2}crm {6}capability-missing\n.*grant the scope to write preferences/);
    expect(stdout).toMatch(/NOT OK {2}crm {6}unknown-topic\n.*"news"/);
  });

  it("sees that the credentials open another account", async () => {
    const { status, stdout } = await start(lacking, ["doctor"], { ACCOUNT: "2" }).ended;
    expect(status).toBe(1);
    expect(stdout).toMatch(/NOT OK {2}crm {6}wrong-account\n.*another account/);
  });
});
