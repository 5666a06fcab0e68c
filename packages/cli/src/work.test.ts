import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, readFileSync, rmSync } from "node:fs";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { newKey } from "@heed/core";
import { describe, expect, it, onTestFinished } from "vitest";
import { durableHome } from "../test/durable-home.ts";
import { quietly } from "../test/run-command.ts";

const bin = fileURLToPath(new URL("heed.ts", import.meta.url));
const company = fileURLToPath(new URL("../test/company/", import.meta.url));
const durable = fileURLToPath(new URL("../test/durable/", import.meta.url));
const lacking = fileURLToPath(new URL("../test/lacking/", import.meta.url));
const broken = fileURLToPath(new URL("../test/broken/", import.meta.url));
const nowhere = fileURLToPath(new URL("./", import.meta.url));

/** Starts a command in a directory, as a process of its own. */
function start(directory: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, ["-C", "@heed/source", bin, ...args], {
    cwd: directory,
    env: { ...env, ...quietly },
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const ended = Promise.all([once(child, "close"), text(child.stdout), text(child.stderr)]).then(
    ([[status], stdout, stderr]) => ({ status: status as number | null, stdout, stderr }),
  );
  /** Resolves once it has printed that. */
  const said = (words: string, on: "stdout" | "stderr" = "stdout") =>
    new Promise<void>((resolve) => {
      child[on].on("data", (chunk: Buffer) => {
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

  it("says where it failed and how to see the error, and nothing of what the error says", async () => {
    const { status, stdout, stderr } = await start(company, ["work", "--once"], { BROKEN: "1" }).ended;
    expect([status, stdout]).toEqual([1, expect.stringContaining("app erase goes on")]);
    expect(stderr).toMatch(
      /^heed: work failed at app \(erase\): TypeError\. .*heed\.on\("work\.failed".*\n$/,
    );
    expect(stdout + stderr).not.toContain("canary");
  });

  it("--once ends with 1 where a processor refused for good, and prints nothing of what it said", async () => {
    const { status, stdout, stderr } = await start(company, ["work", "--once"], { BROKEN: "refuses" }).ended;
    expect([status, stdout]).toEqual([1, expect.stringContaining("app erase failed (rejected)")]);
    const [failed, parked, ...rest] = stderr.split("\n");
    expect(failed).toMatch(/^heed: work failed at app \(erase\): RejectedError rejected\. .*heed\.on\(/);
    expect([parked, ...rest]).toEqual(["heed: 1 step went to a human: see heed todo.", ""]);
    expect(stdout + stderr).not.toContain("canary");
  });

  it("--once ends with 1 where a step went to a human though nothing failed", async () => {
    const { status, stdout, stderr } = await start(company, ["work", "--once"], { UNKNOWN: "1" }).ended;
    expect([status, stdout]).toEqual([1, expect.stringContaining("app erase manual (no-identifier)")]);
    expect(stderr).toBe("heed: 1 step went to a human: see heed todo.\n");
    expect(stdout).not.toContain("canary");
  });

  it("goes on when nobody reads along any more", async () => {
    const child = spawn(process.execPath, ["-C", "@heed/source", bin, "work"], {
      cwd: company,
      env: { SLOW_MS: "500", ...quietly },
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

describe("heed work on a database that was restored from a back-up", () => {
  /** A company that lost the erasure of somebody, and its database is an older copy. */
  async function restoredHome() {
    const keys = newKey();
    const home = durableHome(keys);
    onTestFinished(() => home.remove());
    const { heed, live, file, hold } = home;
    const email = "canary.anna@example.org";
    hold(email);
    await live((app) => app.subjects.record({ subject: { email } }));
    await heed(["backup", file("old.db")]);
    await live((app) => app.requests.open({ right: "erasure", identity: "signed-in", subject: { email } }));
    for (const end of ["", "-wal", "-shm"]) rmSync(file(`heed.db${end}`), { force: true });
    copyFileSync(file("old.db"), file("heed.db"));
    const people = () => JSON.parse(readFileSync(file("people.json"), "utf8")) as readonly string[];
    return { heed, people, env: { HEED_HOME: home.home, HEED_KEYS: keys } };
  }

  it("says at once what is held and what to run, waits, and goes on by itself after that", async () => {
    const { heed, people, env } = await restoredHome();
    const { child, said, ended } = start(durable, ["work"], env);
    const fulfilled = said("request fulfilled");
    await said("heed restore", "stderr");
    // Longer than it takes a worker that is not held to carry it out.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(people()).toHaveLength(1);
    expect(child.exitCode).toBeNull();
    const restored = await heed(["restore"]);
    expect([restored.status, restored.stdout]).toEqual([0, expect.stringContaining("is let go")]);
    await fulfilled;
    expect(people()).toEqual([]);
    child.kill("SIGTERM");
    const { status, stdout, stderr } = await ended;
    expect([status, stderr]).toEqual([
      0,
      "heed: The database was restored from a back-up and lacks 1 record of its journal: nothing is sent or carried out until heed restore. This worker waits, and goes on by itself.\n",
    ]);
    expect(stdout).toMatch(/app erase verified/);
    expect(stdout).not.toContain("canary");
  });

  it("--once carries nothing out, says why, and ends with 1; after heed restore with 0", async () => {
    const { heed, people } = await restoredHome();
    const held = await heed(["work", "--once"]);
    expect([held.status, held.stdout]).toEqual([1, expect.stringMatching(/ 0 settled/)]);
    expect(held.stderr).toMatch(/^heed: The database was restored .* until heed restore\.\n$/);
    expect((await heed(["status"])).stdout).toContain(held.stderr.slice("heed: ".length));
    expect(people()).toHaveLength(1);
    await heed(["restore"]);
    const free = await heed(["work", "--once"]);
    expect([free.status, free.stderr]).toEqual([0, ""]);
    expect(people()).toEqual([]);
  });
});

describe("heed work in a process that was not given the new key", () => {
  it("--once says so, ends with 1, and leaves the work to one that was", async () => {
    const before = newKey().replace(/^[^:]+/, "old");
    const after = newKey().replace(/^[^:]+/, "new");
    const home = durableHome(`${after} ${before.replace(":active:", ":lookup:")}`);
    onTestFinished(() => home.remove());
    const { heed, live, file, hold } = home;
    const email = "canary.anna@example.org";
    hold(email);
    expect((await heed(["work", "--once"], { HEED_KEYS: before })).status).toBe(0);
    await live((app) => app.requests.open({ right: "erasure", identity: "signed-in", subject: { email } }));
    const lacking = await heed(["work", "--once"], { HEED_KEYS: before });
    expect([lacking.status, lacking.stdout]).toEqual([1, expect.stringMatching(/ 0 settled, 2 open/)]);
    expect(lacking.stderr).toBe(
      'heed: work failed at app (erase): HeedError unknown-key. The keyring has no key "new", or has it as `retired`, and storage was written with it. Add it to HEED_KEYS as `lookup`, in every process that lacks it.\n',
    );
    const people = () => JSON.parse(readFileSync(file("people.json"), "utf8")) as readonly string[];
    expect(people()).toHaveLength(1);
    const right = await heed(["work", "--once"]);
    expect([right.status, right.stderr]).toEqual([0, ""]);
    expect(people()).toEqual([]);
    expect(home.said()).not.toContain("canary");
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
