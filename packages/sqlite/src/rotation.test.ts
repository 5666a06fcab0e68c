import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { aboutPerson, describeRotation, rotatingHeed, subscribePeople } from "@heed/testing/private";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import { bytesOnDisk } from "../test/bytes-on-disk.ts";
import { temporaryFile } from "../test/temporary-file.ts";
import { sqlite } from "./sqlite.ts";

const open = (file: string, keys: "before" | "after" | "newAlone") => rotatingHeed(sqlite(file), keys);

/** Everybody, all opted in. */
async function filled(file: string, people: number) {
  const heed = open(file, "before");
  await subscribePeople(heed, people);
  return heed;
}

function wrappings(file: string, keyId: string): readonly Uint8Array[] {
  const database = new DatabaseSync(file, { readOnly: true });
  const rows = database.prepare(`SELECT wrapped FROM heed_dataKeys WHERE gone = 0 AND keyId = ?`).all(keyId);
  database.close();
  return rows.map((row) => row["wrapped"] as Uint8Array);
}

describe("a rotation on SQLite", () => {
  it("leaves no byte of the old wrappings in the files", async () => {
    const file = temporaryFile();
    await (await filled(file, 300)).close();
    const old = wrappings(file, "old");
    expect(old).toHaveLength(300);
    // The tag and the beginning of what is sealed: nothing of that may be left.
    const isLeft = () => {
      const bytes = bytesOnDisk(file);
      return old.filter((wrapped) => bytes.includes(Buffer.from(wrapped.subarray(13, 40)))).length;
    };
    expect(isLeft()).toBe(300);
    const heed = open(file, "after");
    expect(await heed.keys.rotate()).toMatchObject({ dataKeys: 300, identifiers: 300, isScrubbed: true });
    expect(isLeft()).toBe(0);
    expect(wrappings(file, "new")).toHaveLength(300);
    // A process that was never given the old key opens everything.
    const only = open(file, "newAlone");
    expect((await only.subscriptions.state(aboutPerson(299))).state).toBe("given");
  });

  it("says when a reader keeps the old wrappings on the disk", async () => {
    const file = temporaryFile();
    await filled(file, 3);
    const reader = new DatabaseSync(file);
    onTestFinished(() => reader.close());
    reader.exec("BEGIN");
    reader.prepare("SELECT count(*) FROM heed_events").get();
    const heed = open(file, "after");
    expect(await heed.keys.rotate()).toMatchObject({ isComplete: true, isScrubbed: false });
    reader.exec("COMMIT");
    expect(await heed.keys.rotate()).toMatchObject({ dataKeys: 0, isScrubbed: true });
  });
});

const directory = mkdtempSync(join(tmpdir(), "heed-sqlite-"));
afterAll(() => rmSync(directory, { recursive: true }));
describeRotation({ name: "sqlite", open: (place) => sqlite(join(directory, `${place}.db`)) });
