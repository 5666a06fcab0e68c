import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterAll, describe, expect, it } from "vitest";
import { durableHome } from "../test/durable-home.ts";
import { runCommand } from "../test/run-command.ts";

const company = durableHome();
afterAll(() => company.remove());

const [anna, bert, clara] = ["anna", "bert", "clara"].map((name) => `canary.${name}@example.org`) as [
  string,
  string,
  string,
];
const optOut = (email: string) => ({ subject: { email }, topic: "news" }) as const;
const erasure = (email: string) => ({ right: "erasure", identity: "signed-in", subject: { email } }) as const;

describe("a company that loses its database", () => {
  it("gets everything back from the back-up and the journal, by commands alone", async () => {
    const { heed, live, file } = company;
    company.hold(anna, bert, clara);
    let first = "";
    await live(async (app) => {
      await app.subscriptions.unsubscribe(optOut(anna));
      first = (await app.requests.open(erasure(bert))).id;
    });
    expect((await heed(["work", "--once"])).status).toBe(0);
    expect(JSON.parse(readFileSync(file("people.json"), "utf8"))).toEqual([anna, clara]);

    const backedUp = await heed(["backup", file("monday.db")]);
    expect(backedUp).toMatchObject({ status: 0, stderr: "" });
    expect(backedUp.stdout).toMatch(/^copied and read back whole: [\d.]+ [kM]B in [\d.]+ m?s(in)?\n$/);
    const again = await heed(["backup", file("monday.db")]);
    expect([again.status, again.stdout]).toEqual([1, ""]);
    expect(again.stderr).toContain("overwrites nothing");

    let second = "";
    await live(async (app) => {
      await app.subscriptions.unsubscribe(optOut(clara));
      second = (await app.requests.open(erasure(clara))).id;
    });
    expect((await heed(["status"])).stdout).toMatch(/journal {3}level\n$/);
    expect(await heed(["restore"])).toMatchObject({
      status: 0,
      stdout: "nothing to restore: the database has all that its journal has\n",
    });

    for (const end of ["", "-wal", "-shm"]) rmSync(file(`heed.db${end}`), { force: true });
    copyFileSync(file("monday.db"), file("heed.db"));
    const held = await heed(["status"]);
    expect(held.status).toBe(1);
    expect(held.stdout).toMatch(/journal {3}restore needed, 2 lost/);
    expect(held.stdout).toMatch(/journal: restore-needed\n.*heed restore/);
    const idle = await heed(["work", "--once"]);
    expect([idle.status, idle.stdout]).toEqual([1, expect.stringMatching(/ 0 settled/)]);
    expect(idle.stderr).toContain("until heed restore");
    const looked = await heed(["doctor"]);
    expect([looked.status, looked.stdout]).toEqual([
      1,
      expect.stringMatching(/NOT OK +journal +restore-needed/),
    ]);
    expect(JSON.parse(readFileSync(file("people.json"), "utf8"))).toEqual([anna, clara]);

    const dry = await heed(["restore", "--dry-run"]);
    expect([dry.status, dry.stdout]).toEqual([
      0,
      "would replay 2 records of the journal, 1 choice, 1 request and 0 ended erasures among them\n",
    ]);
    expect((await heed(["status"])).status).toBe(1);
    const restored = await heed(["restore"]);
    expect(restored).toMatchObject({ status: 0, stderr: "" });
    expect(restored.stdout).toMatch(
      /^replayed 2 records of the journal, 1 choice, 1 request and 0 ended erasures among them\n/,
    );

    expect((await heed(["work", "--once"])).status).toBe(0);
    expect(JSON.parse(readFileSync(file("people.json"), "utf8"))).toEqual([anna]);
    await live(async (app) => {
      expect((await app.requests.get(second)).state).toBe("fulfilled");
      for (const email of [anna, bert, clara])
        expect(await app.permits.take({ topic: "news", email, messageKey: "after" })).toMatchObject({
          allowed: false,
        });
    });
    const settled = await heed(["status"]);
    expect([settled.status, settled.stderr]).toEqual([0, ""]);

    const log = await heed(["verify"]);
    expect(log.status).toBe(0);
    expect(log.stdout).toMatch(/ok {6}entries in the log {4,}[1-9]/);
    expect(log.stderr).toBe("");

    // Offline: another folder, no configuration, no keyring.
    writeFileSync(file("public.json"), (await heed(["verify", "--public-keys"])).stdout);
    for (const id of [first, second]) {
      expect(await heed(["receipt", id, "--out", file(`${id}.json`)])).toEqual({
        status: 0,
        stdout: "",
        stderr: "",
      });
      const checked = await runCommand(tmpdir(), [
        "verify",
        file(`${id}.json`),
        "--keys",
        file("public.json"),
      ]);
      expect([checked.status, checked.stderr]).toEqual([0, ""]);
      expect(checked.stdout).toContain(`request   ${id}\n`);
      expect(checked.stdout).toMatch(/ended {5}fulfilled, .* in time: due/);
    }
    expect(company.said()).not.toContain("canary");
    expect(company.said()).not.toContain("example.org");
  }, 120_000);
});
