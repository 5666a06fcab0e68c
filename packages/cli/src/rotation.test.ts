import { spawn } from "node:child_process";
import { once } from "node:events";
import { DatabaseSync } from "node:sqlite";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { newKey } from "@heed/core";
import { afterAll, describe, expect, it } from "vitest";
import { durableHome } from "../test/durable-home.ts";
import { quietly } from "../test/run-command.ts";

const bin = fileURLToPath(new URL("heed.ts", import.meta.url));
const directory = fileURLToPath(new URL("../test/durable/", import.meta.url));
const people = 2_000;

describe("a rotation, from the command line", () => {
  const first = newKey();
  const company = durableHome(first);
  afterAll(() => company.remove());

  it("is staged, activated, finished over an interruption, and says what the old key is still for", async () => {
    const { heed, home, live } = company;
    await live(async (app) =>
      app.subscriptions.unsubscribeMany(
        Array.from({ length: people }, (_, at) => ({
          subject: { email: `canary.${at}@example.org` },
          topic: "news" as const,
        })),
      ),
    );
    const staged = (await heed(["keys", "--rotate"])).stdout.trim();
    const keys = (await heed(["keys", "--activate"], { HEED_KEYS: staged })).stdout.trim();
    const [oldId, newId] = keys.split(",").map((entry) => entry.split(":")[0] ?? "");
    const before = await heed(["keys", "--status"], { HEED_KEYS: keys });
    expect(before.status).toBe(0);
    expect(before.stdout).toMatch(new RegExp(`^${oldId} +lookup +no +2000 dataKeys, 2000 identifiers,`, "m"));
    expect(before.stdout).toMatch(new RegExp(`^${newId} +active +nothing$`, "m"));

    // It is told to stop when it has done a page.
    const child = spawn(process.execPath, ["-C", "@heed/source", bin, "keys", "--finish"], {
      cwd: directory,
      env: { HEED_HOME: home, HEED_KEYS: keys, ...quietly },
    });
    const ended = once(child, "close");
    const database = new DatabaseSync(company.file("heed.db"), { readOnly: true });
    const written = database.prepare("SELECT count(*) AS n FROM heed_dataKeys WHERE keyId = ?");
    await expect
      .poll(() => written.get(newId ?? "")?.["n"], { interval: 1, timeout: 30_000 })
      .toBeGreaterThan(0);
    child.kill("SIGTERM");
    database.close();
    const [[status], stdout] = await Promise.all([ended, text(child.stdout)]);
    expect([status, stdout]).toEqual([1, expect.stringContaining("the same command goes on from here")]);
    const done = Number(/: (\d+) data keys/.exec(stdout)?.[1]);
    expect(done).toBeGreaterThan(0);
    expect(done).toBeLessThan(people);

    const rest = await heed(["keys", "--finish"], { HEED_KEYS: keys });
    expect(rest.status).toBe(0);
    expect(rest.stdout).toBe(
      `written anew under the active key: ${people - done} data keys, ${people} identifiers, ${people} suppressions\n`,
    );
    const after = await heed(["keys", "--status"], { HEED_KEYS: keys });
    expect(after.stdout).toMatch(new RegExp(`^${newId} +active +2000 dataKeys, 2000 identifiers,`, "m"));
    // Evidence and the journal were written under it, and nobody can write those anew.
    expect(after.stdout).toMatch(new RegExp(`^${oldId} +lookup +no +\\d+ evidence, \\d+ journal$`, "m"));

    const lost = await heed(["keys", "--status"], { HEED_KEYS: first });
    expect([lost.status, lost.stdout]).toEqual([
      1,
      expect.stringContaining(`with the key ${newId}, which this`),
    ]);
    expect(company.said()).not.toContain("canary");
  }, 120_000);
});
