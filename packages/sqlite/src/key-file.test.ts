import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as timer } from "node:timers/promises";
import { systemClock } from "@heed/core";
import type { Decision, HeedStorage } from "@heed/core/storage";
import { dataKey, subject, write } from "@heed/testing/private";
import { describe, expect, it, onTestFinished } from "vitest";
import { bytesOnDisk } from "../test/bytes-on-disk.ts";
import { startChild } from "../test/child.ts";
import { journaledEvidence as evidence } from "@heed/testing/private";
import { journaledCompany } from "../test/journaled.ts";
import { temporaryFile } from "../test/temporary-file.ts";
import { sqlite } from "./sqlite.ts";

function opened(file: string, keysFile?: string): HeedStorage {
  const storage = sqlite(keysFile === undefined ? file : { file, keysFile });
  onTestFinished(() => storage.close());
  return storage;
}

function keysOf(storage: HeedStorage): Promise<readonly string[]> {
  return storage.transact({
    lock: [],
    clock: systemClock,
    read: { keys: { from: "dataKeys", where: {}, orderBy: ["owner"] } },
    decide: ({ keys }): Decision<readonly string[]> => ({ writes: [], answer: keys.map((row) => row.owner) }),
  });
}

describe("data keys in a file of their own", () => {
  it("are in no byte of the database or its back-ups, and gone from their own file after scrub", async () => {
    const file = temporaryFile();
    const keys = `${file}.keys`;
    const storage = opened(file, keys);
    const [destroyed, kept] = [randomBytes(60), randomBytes(60)];
    await write(storage, [subject("a"), dataKey("a", destroyed), subject("b"), dataKey("b", kept)]);
    await storage.backup?.(`${file}.copy`);
    for (const key of [destroyed, kept]) {
      expect(bytesOnDisk(keys).includes(key)).toBe(true);
      expect(bytesOnDisk(file).includes(key)).toBe(false);
      expect(bytesOnDisk(`${file}.copy`).includes(key)).toBe(false);
    }
    await write(storage, [{ remove: "dataKeys", where: { owner: "a" } }]);
    expect(await keysOf(storage)).toEqual(["b"]);
    expect(await storage.scrub()).toBe(true);
    expect(bytesOnDisk(keys).includes(destroyed)).toBe(false);
    expect(bytesOnDisk(keys).includes(kept)).toBe(true);
    // The copy still refers to both, and only one can be read ever again.
    expect(await keysOf(opened(`${file}.copy`, keys))).toEqual(["b"]);
  });

  it.each(["its own", "the application's"])(
    "wait for another process that holds their file, in %s transaction, and take nobody else down",
    async (whose) => {
      const file = temporaryFile();
      const keys = `${file}.keys`;
      const storage = opened(file, keys);
      await write(storage, [subject("first"), dataKey("first", randomBytes(60))]);
      const application = new DatabaseSync(file);
      onTestFinished(() => application.close());
      application.exec("CREATE TABLE users (id TEXT)");
      const holder = startChild("hold-lock.ts", keys, "300");
      await holder.printed(1);
      const within = whose === "its own" ? undefined : application;
      if (within !== undefined) application.exec("BEGIN IMMEDIATE");
      await Promise.all(
        ["a", "b"].map((owner) => write(storage, [subject(owner), dataKey(owner, randomBytes(60))], within)),
      );
      if (within !== undefined) application.exec("COMMIT");
      expect(await keysOf(storage)).toEqual(["a", "b", "first"]);
      // What is refused keeps the file from nobody.
      await expect(write(storage, [], {})).rejects.toThrow(TypeError);
      const other = new DatabaseSync(keys, { timeout: 0 });
      onTestFinished(() => other.close());
      other.exec("BEGIN IMMEDIATE; COMMIT");
    },
  );

  it("are copied only where that is asked for, and then all that the copy refers to", async () => {
    const file = temporaryFile();
    const storage = opened(file, `${file}.keys`);
    await write(storage, [dataKey("a", randomBytes(60))]);
    await storage.backup?.(`${file}.copy`, `${file}.copy.keys`);
    await write(storage, [{ remove: "dataKeys", where: { owner: "a" } }]);
    expect(await storage.scrub()).toBe(true);
    expect(await keysOf(opened(`${file}.copy`, `${file}.copy.keys`))).toEqual(["a"]);
  });

  it("are refused when they are the wrong ones, or none", async () => {
    const file = temporaryFile();
    const storage = opened(file, `${file}.keys`);
    await write(storage, [dataKey("a", randomBytes(60))]);
    await storage.close();
    await expect(keysOf(opened(file))).rejects.toMatchObject({ code: "keys-missing" });
    await expect(keysOf(opened(file, `${file}.others`))).rejects.toMatchObject({ code: "keys-missing" });
    rmSync(`${file}.keys`);
    await expect(keysOf(opened(file, `${file}.keys`))).rejects.toMatchObject({ code: "keys-missing" });
    expect(() => sqlite({ file, keysFile: file })).toThrow(TypeError);
  });

  it("never lack for anything committed, however often the process is killed", async () => {
    const file = temporaryFile();
    const keys = `${file}.keys`;
    const acknowledged: string[] = [];
    for (let round = 0; round < 6; round += 1) {
      const child = startChild("commit-until-killed.ts", file, String(round * 1_000_000), keys);
      await child.printed(1);
      await timer(Math.random() * 60);
      await child.kill();
      acknowledged.push(...child.lines);
      const database = new DatabaseSync(file);
      const subjects = database.prepare("SELECT id FROM heed_subjects ORDER BY id").all();
      database.close();
      const storage = sqlite({ file, keysFile: keys });
      expect(await keysOf(storage)).toEqual(subjects.map((row) => row["id"]));
      await storage.close();
      expect(subjects.length).toBeGreaterThanOrEqual(acknowledged.length);
    }
  }, 60_000);

  it("join the application's transaction, and a rollback leaves none", async () => {
    const file = temporaryFile();
    const storage = opened(file, `${file}.keys`);
    const application = new DatabaseSync(file);
    onTestFinished(() => application.close());
    for (const [owner, end] of [
      ["undone", "ROLLBACK"],
      ["done", "COMMIT"],
    ] as const) {
      application.exec("BEGIN IMMEDIATE");
      await storage.transact({
        lock: [],
        read: {},
        clock: systemClock,
        within: application,
        decide: () => ({ writes: [dataKey(owner, randomBytes(60))], answer: undefined }),
      });
      application.exec(end);
    }
    expect(await keysOf(storage)).toEqual(["done"]);
  });

  it("end for the back-ups too: a restored erasure needs no second one", async () => {
    const company = journaledCompany();
    const keysFile = `${company.base}.keys`;
    const live = company.on(company.base, { storage: sqlite({ file: company.base, keysFile }) });
    const anna = company.person("anna.canary@example.org");
    await live.heed.subscriptions.subscribe({ subject: anna, topic: "newsletter", evidence });
    await live.settle();
    const old = `${company.base}.old`;
    await live.storage.backup?.(old);
    await live.heed.requests.open({ right: "erasure", identity: "signed-in", subject: anna });
    await live.settle();
    await live.heed.close();
    const restored = company.on(old, { storage: sqlite({ file: old, keysFile }) });
    const no = { subject: anna, topic: "all" } as const;
    expect(await restored.heed.subscriptions.unsubscribe(no)).toMatchObject({ changed: true });
    await restored.heed.restore();
    await restored.settle();
    for (const table of ["subjects", "identifiers", "dataKeys"] as const)
      expect(await restored.rows(table)).toEqual([]);
    expect((await restored.rows("requests")).every((row) => row.closedAt !== null)).toBe(true);
    expect(await restored.heed.suppression.check(anna)).toMatchObject({ suppressed: true });
  });

  const topic = "newsletter";
  type Told = {
    readonly heed: ReturnType<ReturnType<typeof journaledCompany>["on"]>["heed"];
    readonly token: string;
  };
  const anna = { email: "anna.canary@example.org" };
  const clara = { email: "clara@example.org" };
  it.each([
    [
      "named",
      { changed: true },
      ({ heed }: Told) => heed.subscriptions.unsubscribe({ subject: anna, topic }),
    ],
    [
      "by a link",
      { changed: true },
      ({ heed, token }: Told) => heed.links.unsubscribe({ token, scope: "topic" }),
    ],
    [
      "in bulk",
      { read: 2, refused: 0 },
      ({ heed }: Told) =>
        heed.subscriptions.unsubscribeMany([anna, clara].map((subject) => ({ subject, topic }) as const)),
    ],
  ] as const)(
    "keep nobody from saying no, %s, whose own is destroyed and whose rows came back",
    async (_, answer, sayNo) => {
      const company = journaledCompany();
      const keysFile = `${company.base}.keys`;
      const live = company.on(company.base, { storage: sqlite({ file: company.base, keysFile }) });
      company.person(anna.email);
      const bert = company.person("bert.canary@example.org");
      await live.heed.subscriptions.subscribe({ subject: anna, topic, evidence });
      const [annas] = await live.rows("identifiers");
      await live.heed.subscriptions.subscribe({ subject: bert, topic, evidence });
      const sent = await live.heed.permits.take({ topic, ...anna, messageKey: "before" });
      const token = (sent.allowed && sent.unsubscribeToken) || "";
      await live.settle();
      const old = `${company.base}.old`;
      await live.storage.backup?.(old);
      await live.heed.requests.open({ right: "erasure", identity: "signed-in", subject: anna });
      await live.settle();
      await live.heed.close();

      // Without its journal, nothing tells what was lost, and nothing will.
      const { heed, rows } = company.on(old, { storage: sqlite({ file: old, keysFile }), journal: false });
      const nobodyKnows = { code: "key-destroyed" };
      await expect(heed.permits.take({ topic, ...anna, messageKey: "back" })).rejects.toMatchObject(
        nobodyKnows,
      );
      expect(await sayNo({ heed, token })).toMatchObject(answer);
      expect(await rows("suppressions")).toContainEqual(
        expect.objectContaining({ digest: annas?.suppression, scope: "topic:newsletter" }),
      );
      await expect(heed.subscriptions.subscribe({ subject: anna, topic, evidence })).rejects.toMatchObject(
        nobodyKnows,
      );
      expect(await heed.permits.take({ topic, ...bert, messageKey: "bert" })).toMatchObject({
        allowed: true,
      });
    },
  );
});
