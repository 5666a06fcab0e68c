import { tables } from "@heed/core/storage";
import { describe, expect, inject, it, onTestFinished } from "vitest";
import { clientOn, createDatabase } from "../test/database.ts";
import { newPlace } from "../test/place.ts";
import { due, read, step, subject, write } from "../test/transactions.ts";
import { postgres } from "./postgres.ts";

const schemaError = { code: "storage-schema" };

async function storageOnEmpty(options: { migrate?: boolean } = {}) {
  const url = await createDatabase();
  const storage = postgres({ connectionString: url, giveUpAfterMs: 0, ...options });
  onTestFinished(() => storage.close());
  return { url, storage, client: await clientOn(url) };
}

describe("a database without heed's tables", () => {
  it("is refused, with what to do, and is left as it was", async () => {
    const { storage, client } = await storageOnEmpty();
    const asks = [
      write(storage, [subject("a")]),
      read(storage, { from: "subjects", where: {} }),
      due(storage),
      storage.scrub(),
    ];
    for (const asked of asks) {
      await expect(asked).rejects.toMatchObject({
        ...schemaError,
        message: expect.stringContaining("run storage.migrate() in a deploy step") as string,
      });
    }
    const { rows } = await client.query("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'heed%'");
    expect(rows).toEqual([]);
  });

  it("is migrated by migrate(), once, and says what was added", async () => {
    const { storage } = await storageOnEmpty();
    const { added } = await storage.migrate();
    expect(added).toEqual(expect.arrayContaining([...Object.keys(tables), "steps_by_subjectId"]));
    expect(await storage.migrate()).toEqual({ added: [] });
    await write(storage, [subject("a"), step("s")]);
    expect(await due(storage)).toEqual(["s"]);
  });

  it("is migrated at the first use where that is asked for, by many at once", async () => {
    const { url, storage } = await storageOnEmpty({ migrate: true });
    const others = [1, 2, 3].map(() => postgres({ connectionString: url, migrate: true }));
    onTestFinished(() => void Promise.all(others.map((other) => other.close())));
    await Promise.all([storage, ...others].map((each, n) => write(each, [subject(`s${n}`)])));
    expect(await read(storage, { from: "subjects", where: {} })).toHaveLength(4);
  });
});

describe("an earlier version's database", () => {
  const earlier = {
    "lacks a table": "DROP TABLE parked",
    "lacks a column that may be null": "ALTER TABLE events DROP COLUMN confirms",
    "lacks a column that may not be null": "ALTER TABLE steps DROP COLUMN doubts",
    "lacks an index": "DROP INDEX permits_one_address_message",
  };
  for (const [how, sql] of Object.entries(earlier)) {
    it(`that ${how} is refused until it is migrated, and keeps what is in it`, async () => {
      const { storage, client, schema, another } = await newPlace();
      await write(storage, [subject("a"), step("s")]);
      const catalogue = async () => [
        (
          await client.query(
            "SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns WHERE table_schema = $1 ORDER BY 1, 2",
            [schema],
          )
        ).rows,
        (await client.query("SELECT indexdef FROM pg_indexes WHERE schemaname = $1 ORDER BY 1", [schema]))
          .rows,
      ];
      const current = await catalogue();
      await client.query(
        `SET search_path = "${schema}"; ${sql}; UPDATE heed_schema SET fingerprint = 'earlier'`,
      );
      expect(await catalogue()).not.toEqual(current);
      const newer = another();
      await expect(read(newer, { from: "subjects", where: {} })).rejects.toMatchObject(schemaError);
      expect((await newer.migrate()).added).toHaveLength(how === "lacks a table" ? 2 : 1);
      expect(await catalogue()).toEqual(current);
      expect(await read(newer, { from: "subjects", where: {} })).toHaveLength(1);
      expect(await due(newer)).toEqual(["s"]);
      // The earlier version is served as before.
      const served = await client.query(
        `SELECT 1 FROM "${schema}".heed_schema WHERE fingerprint = 'earlier'`,
      );
      expect(served.rows).toHaveLength(1);
    });
  }

  it("serves its workers when a newer version has migrated it: those that run, and those started again", async () => {
    const { storage, client, schema, another } = await newPlace();
    await write(storage, [subject("a")]);
    await client.query(
      `SET search_path = "${schema}"; ALTER TABLE subjects ADD COLUMN mood bigint NOT NULL DEFAULT 0;
       INSERT INTO heed_schema SELECT 'newer', installation FROM heed_schema`,
    );
    const again = another();
    for (const [index, each] of [storage, again].entries()) await write(each, [subject(`b${index}`)]);
    expect(await read(again, { from: "subjects", where: {} })).toHaveLength(3);
    expect(await again.migrate()).toEqual({ added: [] });
    expect((await client.query(`SELECT fingerprint FROM heed_schema`)).rows).toHaveLength(2);
  });
});

describe("tables that are not this version's", () => {
  const foreign = {
    "a column that it does not know": "ALTER TABLE subjects ADD COLUMN mood text",
    "a column of another type":
      "ALTER TABLE limits ALTER COLUMN arrival DROP DEFAULT, ALTER COLUMN arrival TYPE text",
    "a column that may be null": "ALTER TABLE limits ALTER COLUMN arrival DROP NOT NULL",
    "text that sorts by a language":
      'ALTER TABLE subjects ALTER COLUMN namespace TYPE text COLLATE "default"',
  };
  for (const [what, sql] of Object.entries(foreign)) {
    it(`are refused by migrate() for ${what}, with nothing changed`, async () => {
      const { client, schema, another } = await newPlace();
      await client.query(
        `SET search_path = "${schema}"; ${sql}; DROP TABLE parked; UPDATE heed_schema SET fingerprint = 'another'`,
      );
      await expect(another().migrate()).rejects.toMatchObject(schemaError);
      const { rows } = await client.query("SELECT to_regclass($1) AS parked", [`"${schema}".parked`]);
      expect(rows).toEqual([{ parked: null }]);
    });
  }
});

it("a role that owns nothing can work once it was granted the use of what is there", async () => {
  const { schema, storage, client, another } = await newPlace();
  const role = `app_${schema}`;
  await client.query(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'`);
  onTestFinished(async () => {
    await client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  });
  for (const each of [schema, `${schema}_boss`]) {
    await client.query(
      `GRANT USAGE ON SCHEMA ${each} TO ${role};
       GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${each} TO ${role};
       GRANT USAGE ON ALL SEQUENCES IN SCHEMA ${each} TO ${role};
       GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ${each} TO ${role}`,
    );
  }
  await client.query(`GRANT TRUNCATE ON "${schema}"."dataKeys" TO ${role}`);
  const url = new URL(inject("postgres").url);
  url.username = role;
  url.password = "secret";
  const app = another({ connectionString: url.href });
  await write(app, [subject("a"), step("s")]);
  await write(app, [{ insert: "dataKeys", row: { owner: "a", wrapped: new Uint8Array(9), keyId: "k" } }]);
  await write(app, [{ remove: "dataKeys", where: {} }]);
  expect(await due(app)).toEqual(["s"]);
  expect(await app.scrub()).toBe(true);
  await expect(app.migrate()).rejects.toMatchObject({ name: "HeedError" });
  await storage.close();
});
