import { DatabaseSync } from "node:sqlite";
import { isHeedError, tables } from "@heed/core/storage";
import { read, subject, write } from "@heed/testing/private";
import { describe, expect, it, onTestFinished } from "vitest";
import { temporaryFile } from "../test/temporary-file.ts";
import { sqlite } from "./sqlite.ts";

/** A file with one subject, changed by `sql` to look as if another version had written it. */
async function fileOfAnotherVersion(sql: string): Promise<string> {
  const file = temporaryFile();
  const storage = sqlite(file);
  await write(storage, [subject("a")]);
  await storage.close();
  const database = new DatabaseSync(file);
  database.exec(`${sql}; UPDATE heed_schema SET fingerprint = 'another'`);
  database.close();
  return file;
}

function schemaOf(file: string): unknown {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const columns =
      'SELECT m.name, c.name AS c, c.type, c."notnull" FROM sqlite_schema m, pragma_table_info(m.name) c';
    return [
      database.prepare(`${columns} ORDER BY 1, 2`).all(),
      database.prepare("SELECT sql FROM sqlite_schema WHERE type = 'index' ORDER BY name").all(),
      database.prepare("SELECT * FROM heed_schema ORDER BY 1").all(),
    ];
  } finally {
    database.close();
  }
}

async function refusalOf(file: string): Promise<unknown> {
  const storage = sqlite(file);
  onTestFinished(() => storage.close());
  const found = read(storage, { from: "subjects", where: {} });
  const error: unknown = await found.catch((reason: unknown) => reason);
  return isHeedError(error) ? error.code : error;
}

describe("an earlier version's file", () => {
  const earlier = {
    "lacks a table": `DROP TABLE heed_parked`,
    "lacks a column that may be null": `ALTER TABLE heed_events DROP COLUMN confirms`,
    "lacks an index": `DROP INDEX heed_steps_due; DROP INDEX heed_permits_one_address_message`,
  };
  for (const [how, sql] of Object.entries(earlier)) {
    it(`that ${how} is brought forward, with what is in it`, async () => {
      const current = await fileOfAnotherVersion("SELECT 1");
      const file = await fileOfAnotherVersion(sql);
      expect(schemaOf(file)).not.toEqual(schemaOf(current));
      for (const each of [file, current]) {
        const storage = sqlite(each);
        expect(await read(storage, { from: "subjects", where: {} })).toHaveLength(1);
        await storage.close();
      }
      expect(schemaOf(file)).toEqual(schemaOf(current));
      // The earlier version is served as before.
      const database = new DatabaseSync(file, { readOnly: true });
      onTestFinished(() => database.close());
      expect(database.prepare("SELECT 1 FROM heed_schema WHERE fingerprint = 'another'").all()).toHaveLength(
        1,
      );
    });
  }
});

it("a file that a newer version has brought forward still serves the one before", async () => {
  const file = temporaryFile();
  const old = sqlite(file);
  await write(old, [subject("a")]);
  const database = new DatabaseSync(file);
  database.exec("ALTER TABLE heed_subjects ADD COLUMN mood TEXT; INSERT INTO heed_schema VALUES ('newer')");
  database.close();
  const again = sqlite(file);
  for (const [index, each] of [old, again].entries()) await write(each, [subject(`b${index}`)]);
  expect(await read(again, { from: "subjects", where: {} })).toHaveLength(3);
  await Promise.all([old.close(), again.close()]);
});

describe("a file that this version cannot read", () => {
  it("is refused when a newer version added a column", async () => {
    const file = await fileOfAnotherVersion("ALTER TABLE heed_subjects ADD COLUMN mood TEXT");
    expect(await refusalOf(file)).toBe("storage-schema");
  });

  it("is refused when a column is missing that cannot be empty", async () => {
    const file = await fileOfAnotherVersion("ALTER TABLE heed_steps DROP COLUMN phase");
    expect(await refusalOf(file)).toBe("storage-schema");
  });

  it("is refused when a column is of another type", async () => {
    const file = await fileOfAnotherVersion(
      "DROP TABLE heed_limits;" +
        "CREATE TABLE heed_limits (bucket TEXT NOT NULL, arrival TEXT NOT NULL, pushedBackUntil INTEGER NOT NULL) STRICT",
    );
    expect(await refusalOf(file)).toBe("storage-schema");
  });

  it("is refused when a column may be null that must not", async () => {
    const file = await fileOfAnotherVersion(
      "DROP TABLE heed_limits;" +
        "CREATE TABLE heed_limits (bucket TEXT NOT NULL, arrival INTEGER, pushedBackUntil INTEGER NOT NULL) STRICT",
    );
    expect(await refusalOf(file)).toBe("storage-schema");
  });

  it("is left as it was: what it lacks is not added", async () => {
    const file = await fileOfAnotherVersion(
      "DROP TABLE heed_subjects; ALTER TABLE heed_parked ADD COLUMN mood TEXT",
    );
    const before = schemaOf(file);
    expect(await refusalOf(file)).toBe("storage-schema");
    expect(schemaOf(file)).toEqual(before);
  });
});

describe("an application's own file", () => {
  it("keeps its tables, whatever their names, and its version", async () => {
    const file = temporaryFile();
    const application = new DatabaseSync(file);
    onTestFinished(() => application.close());
    application.exec("PRAGMA user_version = 41; PRAGMA application_id = 42");
    for (const name of Object.keys(tables))
      application.exec(`CREATE TABLE "${name}" (mine); INSERT INTO "${name}" VALUES (1)`);
    const storage = sqlite(file);
    onTestFinished(() => storage.close());
    await write(storage, [subject("a")]);
    for (const name of Object.keys(tables)) {
      expect(application.prepare(`SELECT * FROM "${name}"`).all()).toEqual([{ mine: 1 }]);
    }
    expect(application.prepare("PRAGMA user_version").get()).toEqual({ user_version: 41 });
    expect(application.prepare("PRAGMA application_id").get()).toEqual({ application_id: 42 });
  });
});
