import { randomBytes } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { dataKey, subject, write } from "@heed/testing/private";
import { describe, expect, it, onTestFinished } from "vitest";
import { bytesOnDisk } from "../test/bytes-on-disk.ts";
import { temporaryFile } from "../test/temporary-file.ts";
import { sqlite } from "./sqlite.ts";

function open(file: string): ReturnType<typeof sqlite> {
  const storage = sqlite(file);
  onTestFinished(() => storage.close());
  return storage;
}

function openBeside(file: string): DatabaseSync {
  const database = new DatabaseSync(file);
  onTestFinished(() => database.close());
  return database;
}

/** The same numbers in every run: xorshift32. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Which of the keys have left eight bytes in a row anywhere in the files. */
function tracesOf(keys: readonly Uint8Array[], file: string): readonly number[] {
  const text = bytesOnDisk(file).toString("latin1");
  const pieces = new Set<string>();
  for (let at = 0; at + 8 <= text.length; at += 1) pieces.add(text.slice(at, at + 8));
  return keys.flatMap((key, n) => {
    const wanted = Buffer.from(key).toString("latin1");
    for (let at = 0; at + 8 <= wanted.length; at += 1) if (pieces.has(wanted.slice(at, at + 8))) return [n];
    return [];
  });
}

describe("a destroyed data key", () => {
  it("is on the disk until scrub, and nowhere after it", async () => {
    const file = temporaryFile();
    const storage = open(file);
    const destroyed = randomBytes(60);
    const kept = randomBytes(60);
    await write(storage, [dataKey("destroyed", destroyed), dataKey("kept", kept)]);
    expect(tracesOf([destroyed, kept], file)).toEqual([0, 1]);

    await write(storage, [{ remove: "dataKeys", where: { owner: "destroyed" } }]);
    expect(tracesOf([destroyed], file)).toEqual([0]);

    expect(await storage.scrub()).toBe(true);
    expect(tracesOf([destroyed, kept], file)).toEqual([1]);
  });

  it("has zeros written over its owner's id as well", async () => {
    const file = temporaryFile();
    const storage = open(file);
    await write(storage, [dataKey("owner-4f9c2d", randomBytes(60))]);
    await write(storage, [{ remove: "dataKeys", where: { owner: "owner-4f9c2d" } }]);
    expect(await storage.scrub()).toBe(true);
    expect(bytesOnDisk(file).includes("owner-4f9c2d")).toBe(false);
  });

  it("leaves nothing of its old wrapping when it is wrapped anew", async () => {
    const file = temporaryFile();
    const storage = open(file);
    const [old, fresh] = [randomBytes(60), randomBytes(92)];
    await write(storage, [dataKey("a", old)]);
    await write(storage, [
      { update: "dataKeys", where: { owner: "a" }, set: { wrapped: fresh, keyId: "k22" } },
    ]);
    expect(await storage.scrub()).toBe(true);
    expect(tracesOf([old, fresh], file)).toEqual([1]);
  });

  it("is gone, too, when it was destroyed within the application's transaction", async () => {
    const file = temporaryFile();
    const storage = open(file);
    const key = randomBytes(60);
    await write(storage, [dataKey("owner-4f9c2d", key)]);
    const application = openBeside(file);
    application.exec("BEGIN IMMEDIATE");
    await write(storage, [{ remove: "dataKeys", where: { owner: "owner-4f9c2d" } }], application);
    application.exec("COMMIT");
    expect(await storage.scrub()).toBe(true);
    expect(tracesOf([key], file)).toEqual([]);
    expect(bytesOnDisk(file).includes("owner-4f9c2d")).toBe(false);
  });

  it("leaves no trace among thousands of every length, made and destroyed in any order", async () => {
    const file = temporaryFile();
    const storage = open(file);
    const random = seeded(20261121);
    const live = new Map<string, Uint8Array>();
    const destroyed: Uint8Array[] = [];
    const destroy = (owner: string) => {
      const key = live.get(owner);
      if (key !== undefined) destroyed.push(key);
      live.delete(owner);
    };
    for (let group = 0; group < 120; group += 1) {
      const writes = [];
      for (let n = 0; n < 50; n += 1) {
        const owners = [...live.keys()];
        const owner = owners[Math.floor(random() * owners.length)];
        const chance = random();
        if (owner === undefined || chance < 0.5) {
          const key = randomBytes(20 + Math.floor(random() * 800));
          live.set(`${group}-${n}`, key);
          writes.push(dataKey(`${group}-${n}`, key));
        } else if (chance < 0.75) {
          const key = randomBytes(20 + Math.floor(random() * 800));
          destroy(owner);
          live.set(owner, key);
          writes.push({ update: "dataKeys", where: { owner }, set: { wrapped: key } } as const);
        } else {
          destroy(owner);
          writes.push({ remove: "dataKeys", where: { owner } } as const);
        }
      }
      await write(storage, writes);
    }
    expect(await storage.scrub()).toBe(true);
    expect(destroyed.length).toBeGreaterThan(2000);
    expect(tracesOf(destroyed, file)).toEqual([]);
    expect(tracesOf([...live.values()], file)).toHaveLength(live.size);
  }, 60_000);
});

describe("scrub", () => {
  it("answers false while another connection reads an older state, and true when it has ended", async () => {
    const file = temporaryFile();
    const storage = open(file);
    const key = randomBytes(60);
    await write(storage, [dataKey("a", key)]);
    const reader = openBeside(file);
    reader.exec("BEGIN");
    reader.prepare("SELECT count(*) FROM heed_dataKeys").get();
    await write(storage, [{ remove: "dataKeys", where: { owner: "a" } }]);
    expect(await storage.scrub()).toBe(false);
    expect(tracesOf([key], file)).toEqual([0]);
    reader.exec("COMMIT");
    expect(await storage.scrub()).toBe(true);
    expect(tracesOf([key], file)).toEqual([]);
  });

  it("answers false while another connection writes", async () => {
    const file = temporaryFile();
    const storage = open(file);
    await write(storage, [subject("a")]);
    const writer = openBeside(file);
    writer.exec("BEGIN IMMEDIATE");
    expect(await storage.scrub()).toBe(false);
    writer.exec("ROLLBACK");
    expect(await storage.scrub()).toBe(true);
  });
});
