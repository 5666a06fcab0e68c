import { randomBytes } from "node:crypto";
import type { Client } from "pg";
import { describe, expect, inject, it } from "vitest";
import { bytesOnDisk } from "../test/bytes-on-disk.ts";
import { clientOn, createDatabase } from "../test/database.ts";
import { newPlace } from "../test/place.ts";
import { dataKey, read, write } from "../test/transactions.ts";

const { directory } = inject("postgres");

function urlOf({ user, password, host, port, database }: Client): string {
  return `postgres://${user}:${password}@${host}:${port}/${database}`;
}

/** Which of the keys have left eight bytes of their beginning, middle or end anywhere in the files. */
function tracesOf(keys: readonly Buffer[], bytes: Buffer): readonly number[] {
  const isThere = (key: Buffer) =>
    [0, Math.floor(key.length / 2), key.length - 8].some((at) => bytes.includes(key.subarray(at, at + 8)));
  return keys.flatMap((key, n) => (isThere(key) ? [n] : []));
}

describe.skipIf(directory === undefined)("a destroyed data key", () => {
  it("outlasts a plain VACUUM in the table's file, and is nowhere after scrub", async () => {
    const { storage, client, schema } = await newPlace({ connectionString: await createDatabase() });
    const [destroyed, kept] = [randomBytes(60), randomBytes(60)];
    const traces = async () => tracesOf([destroyed, kept], await bytesOnDisk(client, directory ?? ""));
    // The last of a page: what a VACUUM moves together covers nothing of it.
    await write(storage, [dataKey("kept", kept), dataKey("destroyed", destroyed)]);
    expect(await traces()).toEqual([0, 1]);
    await write(storage, [{ remove: "dataKeys", where: { owner: "destroyed" } }]);
    await client.query(`VACUUM "${schema}"."dataKeys"`);
    expect(await traces()).toEqual([0, 1]);
    expect(await storage.scrub()).toBe(true);
    expect(await traces()).toEqual([1]);
    expect(await read(storage, { from: "dataKeys", where: {} })).toMatchObject([{ owner: "kept" }]);
  });

  it("is gone while others read an older state, where VACUUM FULL would keep it", async () => {
    const { storage, client, schema, another } = await newPlace({ connectionString: await createDatabase() });
    const destroyed = randomBytes(60);
    await write(storage, [dataKey("a", destroyed)]);
    const reader = another();
    await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ");
    await client.query(`SELECT 1 FROM "${schema}".subjects`);
    await write(reader, [{ remove: "dataKeys", where: { owner: "a" } }]);
    expect(await storage.scrub()).toBe(true);
    await client.query("COMMIT");
    expect(tracesOf([destroyed], await bytesOnDisk(client, directory ?? ""))).toEqual([]);
  });

  it(
    "leaves nothing of its old wrapping when it is wrapped anew, nor in the statistics",
    { timeout: 60_000 },
    async () => {
      const { storage, client, schema } = await newPlace({ connectionString: await createDatabase() });
      const keys = Array.from({ length: 60 }, () => randomBytes(60));
      const fresh = randomBytes(92);
      await write(
        storage,
        keys.map((key, n) => dataKey(`owner-4f9c2d-${n}`, key)),
      );
      await client.query(`ANALYZE "${schema}"."dataKeys"`);
      await write(storage, [
        { update: "dataKeys", where: { owner: "owner-4f9c2d-0" }, set: { wrapped: fresh, keyId: "k2" } },
        ...keys
          .slice(1)
          .map((_, n) => ({ remove: "dataKeys", where: { owner: `owner-4f9c2d-${n + 1}` } }) as const),
      ]);
      expect(await storage.scrub()).toBe(true);
      const bytes = await bytesOnDisk(client, directory ?? "");
      expect(tracesOf([...keys, fresh], bytes)).toEqual([60]);
      expect(bytes.includes("owner-4f9c2d-1")).toBe(false);
    },
  );
});

describe("a dump of the database", () => {
  it.each(["before", "while"])("that began %s the table is rewritten has every key", async (when) => {
    const { storage, client, schema } = await newPlace({ connectionString: await createDatabase() });
    await write(storage, [dataKey("a", randomBytes(60)), dataKey("b", randomBytes(60))]);
    const url = `${urlOf(client)}?application_name=pg_dump`;
    const begin = async () => {
      const dump = await clientOn(url);
      await dump.query("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY");
      await dump.query("SELECT 1 FROM pg_class LIMIT 1");
      return dump;
    };
    await write(storage, [{ remove: "dataKeys", where: { owner: "a" } }]);
    const before = when === "before" ? await begin() : undefined;
    // Others hold the table: the rewriting has begun, and waits.
    await client.query(`BEGIN; LOCK TABLE "${schema}"."dataKeys" IN ACCESS SHARE MODE`);
    const scrubbing = storage.scrub();
    const dump = before ?? (await begin());
    await client.query("COMMIT");
    expect(await scrubbing).toBe(false);
    const { rows } = await dump.query(`SELECT owner FROM "${schema}"."dataKeys"`);
    expect(rows).toEqual([{ owner: "b" }]);
    await dump.end();
    await expect.poll(() => storage.scrub()).toBe(true);
  });
});

describe("scrub", () => {
  it("answers false while somebody reads the table, and true when that has ended", async () => {
    const { storage, client, schema } = await newPlace();
    await write(storage, [dataKey("a", randomBytes(60))]);
    await client.query("BEGIN");
    await client.query(`SELECT count(*) FROM "${schema}"."dataKeys"`);
    await write(storage, [{ remove: "dataKeys", where: { owner: "a" } }]);
    expect(await storage.scrub()).toBe(false);
    await client.query("COMMIT");
    expect(await storage.scrub()).toBe(true);
  });

  it("leaves the file alone when nothing was removed, and rewrites it once for many that ask", async () => {
    const { storage, client, schema } = await newPlace();
    const file = async () =>
      (await client.query(`SELECT pg_relation_filenode('"${schema}"."dataKeys"') AS node`)).rows[0]
        ?.node as number;
    await write(storage, [dataKey("a", randomBytes(60)), dataKey("b", randomBytes(60))]);
    const before = await file();
    expect(await storage.scrub()).toBe(true);
    expect(await file()).toBe(before);
    await write(storage, [{ remove: "dataKeys", where: { owner: "a" } }]);
    const version = async () =>
      (
        await client.query("SELECT xmin::text AS v FROM pg_class WHERE oid = $1::regclass", [
          `"${schema}"."dataKeys"`,
        ])
      ).rows[0]?.v as string;
    expect(await Promise.all(Array.from({ length: 5 }, () => storage.scrub()))).toEqual(Array(5).fill(true));
    expect(await file()).not.toBe(before);
    const after = await version();
    expect(await storage.scrub()).toBe(true);
    expect(await version()).toBe(after);
  });

  it("keeps every other key, and what is written meanwhile", async () => {
    const { storage, another } = await newPlace();
    const other = another();
    await write(storage, [dataKey("gone", randomBytes(60))]);
    const writing = Array.from({ length: 40 }, (_, n) =>
      write(other, [dataKey(`k${n}`, randomBytes(60))], undefined, []),
    );
    await write(storage, [{ remove: "dataKeys", where: { owner: "gone" } }]);
    const scrubbing = Array.from({ length: 5 }, () => storage.scrub());
    await Promise.all([...writing, ...scrubbing]);
    expect(await read(storage, { from: "dataKeys", where: {} })).toHaveLength(40);
  });
});
