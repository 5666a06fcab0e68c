import { copyFileSync, existsSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { durableHome } from "../test/durable-home.ts";
import { runCommand } from "../test/run-command.ts";

const plain = fileURLToPath(new URL("../test/company/", import.meta.url));
const optOut = { subject: { email: "canary.anna@example.org" }, topic: "news" } as const;

let company: ReturnType<typeof durableHome>;
beforeEach(() => {
  company = durableHome();
});
afterEach(() => company.remove());

describe("heed restore", () => {
  it("goes on without a journal only where that is accepted", async () => {
    const { heed, live, file } = company;
    await live((app) => app.subscriptions.unsubscribe(optOut));
    rmSync(file("heed.journal"));
    for (const args of [["restore"], ["restore", "--dry-run"], ["status"]]) {
      const { status, stdout, stderr } = await heed(args);
      expect([status, stdout]).toEqual([1, ""]);
      expect(stderr).toContain("is heed restore --accept-loss.");
    }
    expect((await heed(["restore", "--accept-loss", "--dry-run"])).stdout).toMatch(
      /^would begin a new journal/,
    );
    expect(existsSync(file("heed.journal"))).toBe(false);
    const accepted = await heed(["restore", "--accept-loss"]);
    expect([accepted.status, accepted.stdout]).toEqual([0, expect.stringMatching(/^began a new journal/)]);
    expect(existsSync(file("heed.journal"))).toBe(true);
    expect((await heed(["status"])).status).toBe(0);
    expect(company.said()).not.toContain("canary");
  });

  it("ends with 1 while another controller of the database has not restored", async () => {
    const { heed, live, file } = company;
    await live((app) => app.consent.state({ subject: optOut.subject, purpose: "news" }));
    await heed(["backup", file("old.db")]);
    for (const namespace of ["one", "two"])
      await live(
        (app) => app.requests.open({ right: "erasure", identity: "signed-in", subject: optOut.subject }),
        { namespace },
      );
    for (const end of ["", "-wal", "-shm"]) rmSync(file(`heed.db${end}`), { force: true });
    copyFileSync(file("old.db"), file("heed.db"));
    const one = await heed(["restore"], { NAMESPACE: "one" });
    expect([one.status, one.stdout]).toEqual([1, expect.stringContaining("is still held")]);
    const two = await heed(["restore"], { NAMESPACE: "two" });
    expect([two.status, two.stdout]).toEqual([0, expect.stringContaining("is let go")]);
    expect((await heed(["status"], { NAMESPACE: "one" })).status).toBe(0);
  });

  it("says how many people it cannot erase again, and where to look for them", async () => {
    const { heed, live, file } = company;
    await live((app) => app.subjects.record({ subject: { email: "canary.bert@example.org" } }));
    await heed(["backup", file("old.db")]);
    await live((app) =>
      app.requests.open({ right: "erasure", identity: "signed-in", subject: optOut.subject }),
    );
    await heed(["work", "--once"]);
    for (const end of ["", "-wal", "-shm"]) rmSync(file(`heed.db${end}`), { force: true });
    copyFileSync(file("old.db"), file("heed.db"));
    for (const args of [["restore", "--dry-run"], ["restore"]]) {
      const { status, stdout } = await heed(args);
      expect(status).toBe(0);
      expect(stdout).toMatch(/1 ended erasure among them\n1 erasure is of people .*suppression\.check\n/);
    }
    expect(company.said()).not.toContain("canary");
  });

  it("says that there is no journal where the company has none", async () => {
    const { status, stdout, stderr } = await runCommand(plain, ["restore"]);
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr).toContain("fileJournal(");
  });
});

describe("heed backup", () => {
  it("copies data keys that have a file of their own, where it is told to", async () => {
    const { heed, live, file } = company;
    const keysFile = "heed.keys.db";
    await live((app) => app.subscriptions.unsubscribe(optOut), { keysFile });
    const args = ["backup", file("copy.db"), "--keys-to", file("copy.keys.db")];
    const { status, stdout } = await heed(args, { KEYS_FILE: keysFile });
    expect([status, stdout]).toEqual([0, expect.stringMatching(/^its data keys, .*: [\d.]+ [kM]?B$/m)]);
    for (const [copy, kept] of [
      ["copy.db", "heed.db"],
      ["copy.keys.db", keysFile],
    ] as const)
      copyFileSync(file(copy), file(kept));
    for (const name of ["heed.db", keysFile])
      for (const end of ["-wal", "-shm"]) rmSync(file(`${name}${end}`), { force: true });
    // What is sealed can be read with the copied keys.
    await live(
      async (app) =>
        expect(await app.subjects.record({ subject: optOut.subject })).toEqual({ changed: false }),
      { keysFile },
    );
    expect(company.said()).not.toContain("canary");
  });

  it("says what to use where the storage makes none, and that keys lie in the database", async () => {
    const { status, stdout, stderr } = await runCommand(plain, ["backup", company.file("copy.db")]);
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr).toContain("pg_dump");
    const keysTo = company.file("keys.db");
    const copied = await company.heed(["backup", company.file("copy.db"), "--keys-to", keysTo]);
    expect([copied.status, copied.stdout]).toEqual([0, expect.stringContaining("no file for the keys")]);
    expect(existsSync(keysTo)).toBe(false);
  });
});

describe("heed migrate", () => {
  it("says what was added, or that nothing was missing, and closes what it opened", async () => {
    expect(await company.heed(["migrate"])).toEqual({ status: 0, stdout: "nothing to add\n", stderr: "" });
    const migrating = fileURLToPath(new URL("../test/migrating/", import.meta.url));
    expect(await runCommand(migrating, ["migrate"])).toEqual({
      status: 0,
      stdout: "added  subjects\nadded  steps.crashes\n",
      stderr: "",
    });
  });
});
