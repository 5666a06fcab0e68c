import { readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { isHeedError } from "@heed/core/storage";
import { read, subject, write } from "@heed/testing/private";
import { describe, expect, it, onTestFinished } from "vitest";
import { temporaryFile } from "../test/temporary-file.ts";
import { sqlite } from "./sqlite.ts";

/** Commits in the log: frames that carry the size of the database (https://sqlite.org/fileformat2.html#walformat). */
function commitsIn(log: string): number {
  const bytes = readFileSync(log);
  const frameSize = 24 + bytes.readUInt32BE(8);
  let commits = 0;
  for (let at = 32; at + frameSize <= bytes.length; at += frameSize) {
    // A frame of the present log repeats its salt.
    const isPresent = bytes.subarray(at + 8, at + 16).equals(bytes.subarray(16, 24));
    if (isPresent && bytes.readUInt32BE(at + 4) !== 0) commits += 1;
  }
  return commits;
}

async function openedAt(file: string): Promise<ReturnType<typeof sqlite>> {
  const storage = sqlite(file);
  onTestFinished(() => storage.close());
  await storage.scrub();
  return storage;
}

function besides(file: string): DatabaseSync {
  const database = new DatabaseSync(file);
  onTestFinished(() => database.close());
  return database;
}

describe("a group", () => {
  it("of all that comes at one moment is one commit", async () => {
    const file = temporaryFile();
    const storage = await openedAt(file);
    await Promise.all(Array.from({ length: 100 }, (_each, n) => write(storage, [subject(`s${n}`)])));
    expect(commitsIn(`${file}-wal`)).toBe(1);
  });

  it("does not wait for more: one after another is a commit each", async () => {
    const file = temporaryFile();
    const storage = await openedAt(file);
    for (let n = 0; n < 10; n += 1) await write(storage, [subject(`s${n}`)]);
    expect(commitsIn(`${file}-wal`)).toBe(10);
  });

  it("is cut where it would hold the event loop", async () => {
    const file = temporaryFile();
    const storage = await openedAt(file);
    await Promise.all(Array.from({ length: 450 }, (_each, n) => write(storage, [subject(`s${n}`)])));
    expect(commitsIn(`${file}-wal`)).toBe(3);
  });

  it("is refused as a whole when its commit fails, and the next one goes on", async () => {
    const file = temporaryFile();
    const storage = await openedAt(file);
    // A foreign key that is looked at only on commit makes a real one fail.
    besides(file).exec(
      "CREATE TABLE parent (id INTEGER PRIMARY KEY);" +
        "CREATE TABLE child (parent REFERENCES parent DEFERRABLE INITIALLY DEFERRED);" +
        "CREATE TRIGGER fails AFTER INSERT ON heed_subjects WHEN NEW.id = 'bad'" +
        " BEGIN INSERT INTO child VALUES (1); END",
    );
    const group = await Promise.allSettled(["a", "bad", "b"].map((id) => write(storage, [subject(id)])));
    const codes = group.map((each) =>
      each.status === "rejected" && isHeedError(each.reason) ? each.reason.code : each.status,
    );
    expect(codes).toEqual(["storage-failed", "storage-failed", "storage-failed"]);
    expect(await read(storage, { from: "subjects", where: {} })).toEqual([]);
    await write(storage, [subject("c")]);
    expect(await read(storage, { from: "subjects", where: {} })).toHaveLength(1);
  });

  it("is refused as a whole when SQLite rolls it back by itself, and the next one goes on", async () => {
    const file = temporaryFile();
    const storage = await openedAt(file);
    besides(file).exec(
      "CREATE TRIGGER fails AFTER INSERT ON heed_subjects WHEN NEW.id = 'bad'" +
        " BEGIN SELECT RAISE(ROLLBACK, 'all of it'); END",
    );
    const group = await Promise.allSettled(["a", "bad", "b"].map((id) => write(storage, [subject(id)])));
    expect(group.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    expect(await read(storage, { from: "subjects", where: {} })).toEqual([]);
    await write(storage, [subject("c")]);
    expect(await read(storage, { from: "subjects", where: {} })).toHaveLength(1);
  });

  it("can be read by everybody once it is answered", async () => {
    const file = temporaryFile();
    const storage = await openedAt(file);
    const other = besides(file).prepare("SELECT count(*) AS n FROM heed_subjects WHERE id = ?");
    const seen = await Promise.all(
      ["a", "b", "c"].map((id) => write(storage, [subject(id)]).then(() => other.get(id)?.["n"])),
    );
    expect(seen).toEqual([1, 1, 1]);
  });
});
