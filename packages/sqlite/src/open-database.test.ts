import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { isHeedError } from "@heed/core/storage";
import { subject, write } from "@heed/testing/private";
import { describe, expect, it, onTestFinished } from "vitest";
import { temporaryFile } from "../test/temporary-file.ts";
import type { MountFacts } from "./network-file-system.ts";
import { openDatabase } from "./open-database.ts";
import { sqlite } from "./sqlite.ts";
import { untilFreeFor } from "./until-free.ts";

async function codeOf(refused: Promise<unknown>): Promise<unknown> {
  const error = await refused.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return isHeedError(error) ? error.code : error;
}

function factsOfNfs(): MountFacts {
  return { type: 0x6969, device: 0, mounts: "" };
}

describe("sqlite", () => {
  it("touches nothing before it is used", async () => {
    const file = temporaryFile();
    const storage = sqlite(file);
    expect(existsSync(file)).toBe(false);
    await storage.close();
    expect(existsSync(file)).toBe(false);
  });

  it("makes files that only their owner can read", async () => {
    const file = temporaryFile();
    const storage = sqlite(file);
    onTestFinished(() => storage.close());
    await write(storage, [subject("a")]);
    for (const each of [file, `${file}-wal`, `${file}-shm`]) expect(statSync(each).mode & 0o777).toBe(0o600);
  });

  it("leaves the mode of a file that was there", async () => {
    const file = temporaryFile();
    writeFileSync(file, "", { mode: 0o640 });
    const storage = sqlite(file);
    onTestFinished(() => storage.close());
    await write(storage, [subject("a")]);
    expect(statSync(file).mode & 0o777).toBe(0o640);
  });

  it("takes no path that is none", () => {
    expect(() => sqlite("")).toThrow(TypeError);
    expect(() => sqlite(":memory:")).toThrow(TypeError);
    for (const missing of [undefined, null])
      expect(() => sqlite(missing as unknown as string)).toThrow(/takes the path of a file/);
    expect(() => sqlite({ file: "heed.db", giveUpAfterMs: Number.NaN })).toThrow(TypeError);
  });

  it("takes no option that it does not know: the keys would lie elsewhere than was meant", () => {
    const given = { file: temporaryFile(), keyFile: "heed.keys" };
    expect(() => sqlite(given)).toThrow(/sqlite .* Did you mean `keysFile`\?/);
  });

  it("says that a file cannot be made, and tries again at the next use", async () => {
    const directory = temporaryFile("not-there-yet");
    const storage = sqlite(join(directory, "heed.db"));
    onTestFinished(() => storage.close());
    const refusal = {
      code: "storage-failed",
      message: expect.stringContaining("no such directory: make it"),
    };
    await expect(write(storage, [subject("a")])).rejects.toMatchObject(refusal);
    mkdirSync(directory);
    await write(storage, [subject("a")]);
  });

  it("says that a file cannot be made where the way leads through another file", async () => {
    const file = temporaryFile();
    writeFileSync(file, "");
    await expect(write(sqlite(join(file, "heed.db")), [subject("a")])).rejects.toMatchObject({
      code: "storage-failed",
      message: expect.stringContaining("no such directory"),
    });
  });

  it("says what else to look at where the directory is there", async () => {
    const tooLong = temporaryFile(`${"x".repeat(300)}.db`);
    await expect(write(sqlite(tooLong), [subject("a")])).rejects.toMatchObject({
      code: "storage-failed",
      message: expect.stringMatching(/cannot be made\. See that this process may write to its directory/),
    });
  });

  it("says that a file is no database", async () => {
    const file = temporaryFile();
    const letter = "To whom it may concern. ".repeat(100);
    writeFileSync(file, letter);
    await expect(write(sqlite(file), [subject("a")])).rejects.toMatchObject({
      code: "storage-failed",
      message: expect.stringMatching(
        /^SQLite failed: file is not a database\. The file is not one of heed's/,
      ),
    });
    expect(readFileSync(file, "utf8")).toBe(letter);
  });

  it("says what to look at where the pages of the file do not fit together", async () => {
    const file = temporaryFile();
    const storage = sqlite(file);
    await write(storage, [subject("a")]);
    await storage.close();
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.fill(0xff, 4096));
    const damaged = sqlite(file);
    onTestFinished(() => damaged.close());
    await expect(write(damaged, [subject("b")])).rejects.toMatchObject({
      code: "storage-failed",
      message: expect.stringMatching(/malformed\. .*end every process.*-wal and -shm/),
    });
  });
});

describe("openDatabase", () => {
  it("opens with a write-ahead log, full syncs, zeroed deletions and no temporary files", async () => {
    const database = await openDatabase(temporaryFile(), untilFreeFor(1000));
    onTestFinished(() => database.close());
    const setting = (name: string) => Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0];
    expect(
      ["journal_mode", "synchronous", "secure_delete", "temp_store", "busy_timeout"].map(setting),
    ).toEqual(["wal", 2, 1, 2, 0]);
  });

  it("opens nothing on a network file system, and makes no file there", async () => {
    const file = temporaryFile();
    expect(await codeOf(openDatabase(file, untilFreeFor(1000), factsOfNfs))).toBe("storage-unsuitable");
    expect(existsSync(file)).toBe(false);
  });

  it("looks at the file itself where there is one: it may be a link to another place", async () => {
    const file = temporaryFile();
    const asked: string[] = [];
    const facts = (path: string) => {
      asked.push(path);
      return undefined;
    };
    for (let time = 0; time < 2; time += 1) (await openDatabase(file, untilFreeFor(1000), facts)).close();
    expect(asked).toEqual([dirname(file), file]);
  });
});
