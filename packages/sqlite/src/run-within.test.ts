import { DatabaseSync } from "node:sqlite";
import { systemClock } from "@heed/core";
import { isHeedError } from "@heed/core/storage";
import { read, subject, write } from "@heed/testing/private";
import { describe, expect, it, onTestFinished } from "vitest";
import { journaledCompany } from "../test/journaled.ts";
import { temporaryFile } from "../test/temporary-file.ts";
import { sqlite } from "./sqlite.ts";

function applicationOn(file: string): DatabaseSync {
  const database = new DatabaseSync(file);
  onTestFinished(() => database.close());
  database.exec("CREATE TABLE IF NOT EXISTS users (id TEXT)");
  return database;
}

function storageOn(file: string): ReturnType<typeof sqlite> {
  const storage = sqlite({ file, giveUpAfterMs: 100 });
  onTestFinished(() => storage.close());
  return storage;
}

function count(database: DatabaseSync, table: string): unknown {
  return database.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.["n"];
}

describe("within", () => {
  it("commits with the application's rows, and is seen by nobody before", async () => {
    const file = temporaryFile();
    const application = applicationOn(file);
    const storage = storageOn(file);
    await write(storage, [subject("before")]);
    const other = new DatabaseSync(file);
    onTestFinished(() => other.close());

    application.exec("BEGIN IMMEDIATE; INSERT INTO users VALUES ('u')");
    await write(storage, [subject("a")], application);
    expect(count(other, "heed_subjects")).toBe(1);
    application.exec("COMMIT");
    expect([count(other, "users"), count(other, "heed_subjects")]).toEqual([1, 2]);
    expect(await read(storage, { from: "subjects", where: { id: "a" } })).toHaveLength(1);
  });

  it("is gone with the application's rows when the application rolls back", async () => {
    const file = temporaryFile();
    const application = applicationOn(file);
    const storage = storageOn(file);
    await write(storage, [subject("before")]);
    application.exec("BEGIN IMMEDIATE; INSERT INTO users VALUES ('u')");
    await write(storage, [subject("a")], application);
    application.exec("ROLLBACK");
    expect([count(application, "users"), count(application, "heed_subjects")]).toEqual([0, 1]);
  });

  it("sees what the application's transaction wrote before", async () => {
    const file = temporaryFile();
    const application = applicationOn(file);
    const storage = storageOn(file);
    application.exec("BEGIN IMMEDIATE");
    await write(storage, [subject("a")], application);
    const answer = await storage.transact({
      lock: [],
      read: { subjects: { from: "subjects", where: {} } },
      clock: systemClock,
      decide: ({ subjects }) => ({ writes: [], answer: subjects.map(({ id }) => id) }),
      within: application,
    });
    application.exec("COMMIT");
    expect(answer).toEqual(["a"]);
  });

  it("makes the tables inside it when the file has none", async () => {
    const file = temporaryFile();
    const application = applicationOn(file);
    application.exec("BEGIN IMMEDIATE; INSERT INTO users VALUES ('u')");
    await write(storageOn(file), [subject("a")], application);
    application.exec("COMMIT");
    expect(await read(storageOn(file), { from: "subjects", where: {} })).toHaveLength(1);
  });

  it("writes nothing when it only reads", async () => {
    const file = temporaryFile();
    const storage = storageOn(file);
    await write(storage, [subject("a")]);
    const application = applicationOn(file);
    application.exec("BEGIN IMMEDIATE");
    await write(storage, [], application);
    expect(application.prepare("SELECT total_changes() AS n").get()).toEqual({ n: 0 });
    application.exec("COMMIT");
  });

  it("leaves the application's transaction as it was when it fails", async () => {
    const file = temporaryFile();
    const application = applicationOn(file);
    const storage = storageOn(file);
    application.exec("BEGIN IMMEDIATE; INSERT INTO users VALUES ('u')");
    await write(storage, [subject("a")], application);
    await expect(write(storage, [subject("b"), subject("a")], application)).rejects.toThrow("there already");
    expect(application.isTransaction).toBe(true);
    application.exec("COMMIT");
    expect([count(application, "users"), count(application, "heed_subjects")]).toEqual([1, 1]);
  });

  it("leaves the application's settings as they were", async () => {
    const file = temporaryFile();
    const application = applicationOn(file);
    for (const mode of ["OFF", "ON", "FAST"]) {
      application.exec(`PRAGMA secure_delete = ${mode}`);
      const before = application.prepare("PRAGMA secure_delete").get();
      application.exec("BEGIN IMMEDIATE");
      await write(storageOn(file), [subject(mode)], application);
      application.exec("COMMIT");
      expect(application.prepare("PRAGMA secure_delete").get()).toEqual(before);
    }
  });

  it("takes no database without a transaction, of another file, closed, or that is none", async () => {
    const file = temporaryFile();
    const storage = storageOn(file);
    await write(storage, [subject("a")]);
    const idle = applicationOn(file);
    const elsewhere = applicationOn(temporaryFile());
    elsewhere.exec("BEGIN IMMEDIATE");
    const nowhere = applicationOn(":memory:");
    nowhere.exec("BEGIN IMMEDIATE");
    const closed = new DatabaseSync(file);
    closed.close();
    for (const within of [idle, elsewhere, nowhere, closed, {}, null, "db"]) {
      await expect(write(storage, [subject("b")], within)).rejects.toThrow(TypeError);
    }
    expect(await read(storage, { from: "subjects", where: {} })).toHaveLength(1);
  });

  it("says so when the application's transaction reads an older state and cannot write any more", async () => {
    const file = temporaryFile();
    const storage = storageOn(file);
    await write(storage, [subject("a")]);
    const application = applicationOn(file);
    application.exec("BEGIN");
    application.prepare("SELECT count(*) FROM heed_subjects").get();
    await write(storage, [subject("b")]);
    const refused = await write(storage, [subject("c")], application).catch((error: unknown) => error);
    expect(isHeedError(refused) && refused.code).toBe("storage-busy");
  });
});

it("tells of no choice that is not committed, and may never be", async () => {
  const company = journaledCompany();
  const { heed } = company.on(company.base);
  const told: string[] = [];
  heed.on("choice.recorded", ({ eventId }) => void told.push(eventId));
  const application = applicationOn(company.base);
  const choice = { subject: { email: "anna@example.org" }, topic: "newsletter" } as const;
  for (const end of ["ROLLBACK", "COMMIT"]) {
    application.exec("BEGIN IMMEDIATE");
    await heed.subscriptions.unsubscribe({ ...choice, within: application });
    application.exec(end);
  }
  expect(told).toEqual([]);
  await heed.work.drain();
  expect(company.crm.optedOut.get("anna@example.org")).toEqual(new Set(["newsletter"]));
  const { eventId } = await heed.subscriptions.unsubscribe(choice);
  expect(told).toEqual([eventId]);
});
