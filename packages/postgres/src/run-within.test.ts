import { systemClock } from "@heed/core";
import { isHeedError } from "@heed/core/storage";
import pg from "pg";
import { describe, expect, inject, it } from "vitest";
import { clientOn, createDatabase } from "../test/database.ts";
import { newPlace } from "../test/place.ts";
import { due, read, step, subject, write } from "../test/transactions.ts";
import { postgres } from "./postgres.ts";

/** A place, a table of the application's beside it, and how many rows there are of either, seen by others. */
async function application() {
  const place = await newPlace();
  const users = `"${place.schema}".users`;
  const app = await clientOn(inject("postgres").url);
  await app.query(`CREATE TABLE ${users} (id text)`);
  const rows = async (table: string) =>
    (await place.client.query(`SELECT count(*)::int AS n FROM ${table}`)).rows[0]?.n as number;
  const counts = async () => ({
    users: await rows(users),
    subjects: await rows(`"${place.schema}".subjects`),
    steps: await rows(`"${place.schema}".steps`),
    jobs: await rows(`"${place.schema}_boss".job`),
  });
  const addUser = () => app.query(`INSERT INTO ${users} VALUES ('u')`);
  return { ...place, app, counts, addUser };
}

const nothing = { users: 0, subjects: 0, steps: 0, jobs: 0 };
const everything = { users: 1, subjects: 1, steps: 1, jobs: 1 };

describe("within", () => {
  it("commits the application's row, heed's, and the job of its step together", async () => {
    const { storage, app, counts, addUser } = await application();
    await app.query("BEGIN");
    await addUser();
    await write(storage, [subject("a"), step("s")], app);
    expect(await counts()).toEqual(nothing);
    expect(await due(storage)).toEqual([]);
    await app.query("COMMIT");
    expect(await counts()).toEqual(everything);
    expect(await due(storage)).toEqual(["s"]);
  });

  it("leaves nothing of either when the application rolls back", async () => {
    const { storage, app, counts, addUser } = await application();
    await app.query("BEGIN");
    await addUser();
    await write(storage, [subject("a"), step("s")], app);
    await app.query("ROLLBACK");
    expect(await counts()).toEqual(nothing);
    expect(await due(storage)).toEqual([]);
  });

  it("leaves nothing of either when the application's connection is lost", async () => {
    const { storage, client, app, counts, addUser } = await application();
    await app.query("BEGIN");
    await addUser();
    await write(storage, [subject("a"), step("s")], app);
    const { rows } = await app.query("SELECT pg_backend_pid() AS pid");
    await client.query("SELECT pg_terminate_backend($1)", [rows[0]?.pid]);
    await expect(app.query("COMMIT")).rejects.toThrow(/./);
    expect(await counts()).toEqual(nothing);
  });

  it("lets the application go on without it when it fails", async () => {
    const { storage, app, counts, addUser } = await application();
    await app.query("BEGIN");
    await addUser();
    await write(storage, [subject("a"), step("s")], app);
    const twice = write(storage, [subject("b"), subject("a")], app);
    await expect(twice).rejects.toMatchObject({ code: "duplicate-row" });
    const thrown = new Error("changed my mind");
    const decide = () => {
      throw thrown;
    };
    await expect(
      storage.transact({ lock: [], read: {}, clock: systemClock, decide, within: app }),
    ).rejects.toBe(thrown);
    await app.query("COMMIT");
    expect(await counts()).toEqual(everything);
  });

  it("sees what the application's transaction wrote before, and keeps calls of the same time apart", async () => {
    const { storage, app } = await application();
    await app.query("BEGIN");
    const outcomes = await Promise.allSettled(
      ["a", "b", "a", "c"].map((id) => write(storage, [subject(id)], app)),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected", "fulfilled"]);
    const seen = await storage.transact({
      lock: [],
      read: { subjects: { from: "subjects", where: {}, orderBy: ["id"] } },
      clock: systemClock,
      decide: ({ subjects }) => ({ writes: [], answer: subjects.map(({ id }) => id) }),
      within: app,
    });
    expect(seen).toEqual(["a", "b", "c"]);
    await app.query("COMMIT");
  });

  it("holds the locks until the application commits", async () => {
    const { storage, app } = await application();
    await app.query("BEGIN");
    await write(storage, [subject("a")], app, ["address:x"]);
    let isDone = false;
    const waiting = write(storage, [subject("b")], undefined, ["address:x"]).then(() => (isDone = true));
    await write(storage, [subject("c")], undefined, ["address:y"]);
    expect(isDone).toBe(false);
    await app.query("COMMIT");
    await waiting;
    expect(await read(storage, { from: "subjects", where: {} })).toHaveLength(3);
  });

  it("waits for no connection of the application's pool, at its first use either", async () => {
    const { schema, another, counts } = await application();
    const pool = new pg.Pool({ connectionString: inject("postgres").url, max: 1 });
    const storage = postgres({ pool, schema });
    const only = await pool.connect();
    await only.query("BEGIN");
    await write(storage, [subject("a"), step("s")], only);
    await only.query("COMMIT");
    only.release();
    expect(await counts()).toEqual({ ...everything, users: 0 });
    expect(await due(another())).toEqual(["s"]);
    await storage.close();
    await pool.end();
  });

  it("takes what answers as pg-boss's adapters do", async () => {
    const { storage, app, counts, addUser } = await application();
    await app.query("BEGIN");
    await addUser();
    const executeSql = (text: string, values?: unknown[]) => app.query(text, values);
    await write(storage, [subject("a"), step("s")], { executeSql });
    await app.query("COMMIT");
    expect(await counts()).toEqual(everything);
  });

  it("takes no client without a transaction, of another database or isolation, and nothing else", async () => {
    const { storage, app } = await application();
    const elsewhere = await clientOn(await createDatabase());
    await elsewhere.query("BEGIN");
    const foreignUrl = await createDatabase();
    const foreign = postgres({ connectionString: foreignUrl, migrate: true });
    await write(foreign, [subject("x")]);
    await foreign.close();
    const other = await clientOn(foreignUrl);
    await other.query("BEGIN");
    const strict = await clientOn(inject("postgres").url);
    await strict.query("BEGIN ISOLATION LEVEL SERIALIZABLE");
    for (const within of [app, elsewhere, other, strict, {}, null, "db"]) {
      await expect(write(storage, [subject("b")], within)).rejects.toThrow(TypeError);
    }
    expect(await read(storage, { from: "subjects", where: {} })).toEqual([]);
    // Their transactions are theirs still.
    for (const client of [elsewhere, other, strict]) await client.query("COMMIT");
  });

  it("says so when the application's client is closed", async () => {
    const { storage } = await application();
    const closed = new pg.Client(inject("postgres").url);
    await closed.connect();
    await closed.end();
    const refused: unknown = await write(storage, [subject("a")], closed).catch((error: unknown) => error);
    expect(isHeedError(refused) && refused.code).toBe("storage-failed");
  });
});
