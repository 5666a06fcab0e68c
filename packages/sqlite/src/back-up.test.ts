import { readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { systemClock } from "@heed/core";
import type { HeedStorage } from "@heed/core/storage";
import { describe, expect, it, onTestFinished } from "vitest";
import { temporaryFile } from "../test/temporary-file.ts";
import { sqlite } from "./sqlite.ts";

function opened(file: string): HeedStorage {
  const storage = sqlite(file);
  onTestFinished(() => storage.close());
  return storage;
}

async function add(storage: HeedStorage, id: string): Promise<void> {
  await storage.transact({
    lock: [],
    clock: systemClock,
    read: {},
    decide: (_rows, now) => ({
      writes: [
        { insert: "subjects", row: { id, namespace: "acme", createdAt: now, frozenBy: null } },
        { insert: "dataKeys", row: { owner: id, wrapped: new Uint8Array(3000).fill(7), keyId: "k1" } },
      ],
      answer: undefined,
    }),
  });
}

/** What SQLite itself reads in a copy. */
function contents(file: string) {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const all = (sql: string) =>
      database
        .prepare(sql)
        .all()
        .map((row) => String(row["v"]));
    return {
      subjects: all("SELECT id AS v FROM heed_subjects ORDER BY length(id), id"),
      keys: all("SELECT owner AS v FROM heed_dataKeys WHERE gone = 0 ORDER BY length(owner), owner"),
      check: all("SELECT integrity_check AS v FROM pragma_integrity_check"),
    };
  } finally {
    database.close();
  }
}

describe("a back-up", () => {
  it("is one moment of the database, while others write and the event loop goes on", async () => {
    const file = temporaryFile();
    const storage = opened(file);
    for (let n = 0; n < 200; n += 1) await add(storage, `s${n}`);
    const other = opened(file);
    const copies: Promise<void>[] = [];
    const copied = new AbortController();
    let turns = 0;
    const writing = (async () => {
      for (let n = 200; !copied.signal.aborted || n < 260; n += 1) {
        await add(n % 2 === 0 ? storage : other, `s${n}`);
        turns += 1;
      }
    })();
    for (let n = 0; n < 3; n += 1) {
      copies.push(storage.backup?.(`${file}.copy${n}`) ?? Promise.reject(new Error("no backup")));
    }
    await Promise.all(copies);
    copied.abort();
    await writing;
    expect(turns).toBeGreaterThan(20);
    for (let n = 0; n < 3; n += 1) {
      const { subjects, keys, check } = contents(`${file}.copy${n}`);
      expect(check).toEqual(["ok"]);
      expect(subjects.length).toBeGreaterThanOrEqual(200);
      // No transaction is there by half, none is missing before one that is there.
      expect(keys).toEqual(subjects);
      expect(subjects).toEqual(subjects.map((_, index) => `s${index}`));
      expect(statSync(`${file}.copy${n}`).mode & 0o777).toBe(0o600);
    }
    expect(readdirSync(dirname(file)).filter((name) => name.includes("copy"))).toEqual([
      "heed.db.copy0",
      "heed.db.copy1",
      "heed.db.copy2",
    ]);
  });

  it("is of the moment at which it began, however much is written while it is made", async () => {
    const file = temporaryFile();
    const storage = opened(file);
    // Several times what is copied at once.
    await Promise.all(Array.from({ length: 3000 }, (_, n) => add(storage, `s${n}`)));
    const other = opened(file);
    await add(other, "s3000");
    const copied = new AbortController();
    const writing = (async () => {
      for (let n = 3001; !copied.signal.aborted && n < 6000; n += 1) await add(other, `s${n}`);
    })();
    await storage.backup?.(`${file}.copy`);
    copied.abort();
    await writing;
    const count = contents(`${file}.copy`).subjects.length;
    expect(count).toBeGreaterThan(3000);
    expect(contents(file).subjects.length).toBeGreaterThan(count);
    // Beginning takes a small part of the time.
    expect(count - 3001).toBeLessThan((contents(file).subjects.length - 3001) / 2);
  });

  it("opens as a database that goes on from there", async () => {
    const file = temporaryFile();
    const storage = opened(file);
    await add(storage, "a");
    await storage.backup?.(`${file}.copy`);
    await add(storage, "b");
    const restored = opened(`${file}.copy`);
    await add(restored, "c");
    await restored.close();
    expect(contents(`${file}.copy`).subjects).toEqual(["a", "c"]);
  });

  it("overwrites nothing, and leaves nothing where it failed", async () => {
    const file = temporaryFile();
    const storage = opened(file);
    await add(storage, "a");
    writeFileSync(`${file}.copy`, "precious");
    await expect(storage.backup?.(`${file}.copy`)).rejects.toMatchObject({ code: "backup-exists" });
    expect(statSync(`${file}.copy`).size).toBe(8);
    await expect(storage.backup?.(`${file}.none/copy`)).rejects.toMatchObject({
      code: "backup-failed",
      message: expect.stringContaining("There is no such directory"),
    });
    expect(readdirSync(dirname(file)).filter((name) => name.includes("part"))).toEqual([]);
  });

  it("names what a back-up that was killed has left in its way, and leaves it there", async () => {
    const file = temporaryFile();
    const storage = opened(file);
    await add(storage, "a");
    writeFileSync(`${file}.copy.part`, "half");
    await expect(storage.backup?.(`${file}.copy`)).rejects.toMatchObject({
      code: "backup-failed",
      message: expect.stringContaining(`${file}.copy.part is there`),
    });
    expect(statSync(`${file}.copy.part`).size).toBe(4);
    rmSync(`${file}.copy.part`);
    await storage.backup?.(`${file}.copy`);
    expect(contents(`${file}.copy`).subjects).toEqual(["a"]);
  });
});
