import { systemClock } from "@heed/core";
import type { HeedStorage, Write } from "@heed/core/storage";
import pg from "pg";
import { expect, inject, it, onTestFinished } from "vitest";
import { newPlace, type Place } from "../test/place.ts";
import { due, set, step, subject, write } from "../test/transactions.ts";
import { wayToServer } from "../test/way-to-server.ts";
import { postgres } from "./postgres.ts";
import { Session } from "./session.ts";

/** A storage by a way to the server on which answers are kept back, questions get lost, and connections are cut. */
async function storageFarAway(place: Place, options: Parameters<Place["another"]>[0] = {}) {
  let isHeld = false;
  let isLost = false;
  const way = await wayToServer((client, server) => {
    client.on("data", (bytes) => isLost || server.write(bytes));
    server.on("data", (bytes) => isHeld || client.write(bytes));
  });
  return {
    storage: place.another({ ...options, connectionString: way.url.href }),
    /** The server's answers are kept back. */
    hold: () => void (isHeld = true),
    /** The server hears no more. */
    lose: () => void (isLost = true),
    /** Whoever connects anew is heard and answered. */
    cut() {
      way.cut();
      isHeld = false;
      isLost = false;
    },
    close: way.close,
  };
}

/** Records once more each time it decides. */
function recording(storage: HeedStorage, writes: readonly Write[], whenDecided: () => void = () => {}) {
  let decided = 0;
  const done = storage.transact({
    lock: ["subject:a"],
    read: { subjects: { from: "subjects", where: { id: "a" } } },
    clock: systemClock,
    decide: () => {
      decided += 1;
      whenDecided();
      return { writes, answer: undefined };
    },
  });
  const error = done.then(
    () => undefined,
    (thrown: unknown) => thrown as { readonly code: unknown },
  );
  return { error, code: error.then((each) => each?.code ?? "stored"), times: () => decided };
}

async function stored({ client, schema }: Place) {
  const count = async (table: string) => Number((await client.query(`SELECT FROM ${table}`)).rowCount);
  return {
    subjects: await count(`"${schema}".subjects`),
    steps: await count(`"${schema}".steps`),
    jobs: await count(`"${schema}_boss".job`),
  };
}

const all = { subjects: 1, steps: 1, jobs: 1 };
const none = { subjects: 0, steps: 0, jobs: 0 };

/** A step that goes, so that its queue is there and the tables are as before. */
async function warmed(place: Place, storage: HeedStorage, subjects = 0): Promise<void> {
  await write(storage, [step("first")]);
  await write(storage, [{ remove: "steps", where: { id: "first" } }]);
  expect(await stored(place)).toEqual({ ...none, subjects });
}

/** From now on the server takes its time to write a subject, or to commit one. */
async function lingering({ client, schema }: Place, seconds: number, at = "insert"): Promise<void> {
  const trigger =
    at === "insert"
      ? `TRIGGER linger BEFORE INSERT ON "${schema}".subjects`
      : `CONSTRAINT TRIGGER linger AFTER INSERT ON "${schema}".subjects DEFERRABLE INITIALLY DEFERRED`;
  await client.query(
    `CREATE FUNCTION "${schema}".linger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(${seconds}); RETURN NEW; END $$;
     CREATE ${trigger} FOR EACH ROW EXECUTE FUNCTION "${schema}".linger()`,
  );
}

/** A storage on an application's own pool of one connection, which gives up waiting after a second and a half. */
async function storageOfImpatient({ schema }: Place) {
  const pool = new pg.Pool({ connectionString: inject("postgres").url, query_timeout: 1_500, max: 1 });
  const storage = postgres({ pool, schema, giveUpAfterMs: 0 });
  onTestFinished(async () => {
    await storage.close();
    await pool.end();
  });
  expect(await recording(storage, []).code).toBe("stored");
  return { pool, storage };
}

it("sends the commit behind what is new before that is answered, and finds out what became of it when the answers are lost", async () => {
  const place = await newPlace();
  const { storage, hold, cut } = await storageFarAway(place);
  await warmed(place, storage);
  const { code, times } = recording(storage, [subject("a"), step("s")], hold);
  // It is committed, and whoever asked has not heard of the writes yet.
  await expect.poll(() => stored(place)).toEqual(all);
  cut();
  expect(await code).toBe("stored");
  expect(times()).toBe(1);
  expect(await stored(place)).toEqual(all);
});

it("tries again what was not stored when its commit was not heard of", async () => {
  const place = await newPlace();
  const { storage, lose, cut } = await storageFarAway(place);
  await warmed(place, storage);
  const { code, times } = recording(storage, [subject("a"), step("s")], () => {
    if (times() === 1) lose();
  });
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(await stored(place)).toEqual(none);
  cut();
  expect(await code).toBe("stored");
  expect(times()).toBe(2);
  expect(await stored(place)).toEqual(all);
});

it("says what nobody can know where nothing would show it, or the server stays away", async () => {
  const place = await newPlace();
  for (const [writes, isAway] of [
    [[subject("a")], false],
    [[subject("b"), step("s")], true],
  ] as const) {
    const { storage, hold, cut, close } = await storageFarAway(place, { giveUpAfterMs: 500 });
    await warmed(place, storage, isAway ? 1 : 0);
    const { error, times } = recording(storage, writes, hold);
    await expect.poll(async () => (await stored(place)).subjects).toBe(isAway ? 2 : 1);
    if (isAway) close();
    cut();
    expect(await error).toMatchObject({
      code: "storage-failed",
      message: expect.stringContaining("not known"),
    });
    expect(times()).toBe(1);
  }
});

it("waits for what it writes where that says which jobs follow", async () => {
  const place = await newPlace();
  const { storage, hold, cut } = await storageFarAway(place);
  await write(storage, [step("s")]);
  const { code, times } = recording(storage, [subject("a"), set("s", { state: "verified" })], () => {
    if (times() === 1) hold();
  });
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(await stored(place)).toEqual({ subjects: 0, steps: 1, jobs: 1 });
  cut();
  // There was no commit yet, so it is tried again.
  expect(await code).toBe("stored");
  expect(times()).toBe(2);
  expect(await stored(place)).toEqual({ subjects: 1, steps: 1, jobs: 0 });
});

it("tries again what the server broke off before the commit, though that was sent", async () => {
  const place = await newPlace();
  const { client, schema } = place;
  await warmed(place, place.storage);
  await lingering(place, 1.5);
  const { code, times } = recording(place.storage, [subject("a"), step("s")]);
  for (let killed = 0; killed === 0;) {
    const { rowCount } = await client.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND query LIKE $1",
      [`%"${schema}"."subjects"%`],
    );
    killed = rowCount ?? 0;
  }
  expect(await code).toBe("stored");
  expect(times()).toBe(2);
  expect(await stored(place)).toEqual(all);
});

it("commits nothing when the application's own pool gives up waiting for what is written", async () => {
  const place = await newPlace();
  await warmed(place, place.storage);
  const { storage } = await storageOfImpatient(place);
  await lingering(place, 2);
  const { code, times } = recording(storage, [subject("a"), step("s")]);
  expect(await code).toBe("storage-failed");
  expect(times()).toBe(1);
  // The server has gone on with it.
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  expect(await stored(place)).toEqual(none);
});

it("gives back no connection whose commit is still to be answered", async () => {
  const place = await newPlace();
  await warmed(place, place.storage);
  const { storage, pool } = await storageOfImpatient(place);
  await lingering(place, 6, "commit");
  expect(await recording(storage, [subject("a")]).code).toBe("storage-failed");
  expect((await pool.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
});

it("tells as stored what is, though a queue that is gone cannot be made again", async () => {
  const place = await newPlace({ giveUpAfterMs: 0 });
  const { client, schema, storage } = place;
  await warmed(place, storage);
  await client.query(
    `DELETE FROM "${schema}_boss".queue WHERE name = 'heed/acme/crm';
     ALTER TABLE "${schema}_boss".queue ADD CONSTRAINT never CHECK (false) NOT VALID`,
  );
  expect(await recording(storage, [subject("a"), step("s")]).code).toBe("stored");
  expect(await stored(place)).toEqual({ ...all, jobs: 0 });
  await client.query(`ALTER TABLE "${schema}_boss".queue DROP CONSTRAINT never`);
  // The next choice makes the queue, and a look for work finds both.
  await write(storage, [step("t")]);
  expect((await due(storage)).toSorted()).toEqual(["s", "t"]);
});

it.each(["the writes", "the jobs"])("stores nothing when the server refuses %s", async (refused) => {
  const place = await newPlace({ giveUpAfterMs: 0 });
  await warmed(place, place.storage);
  const table = refused === "the jobs" ? `"${place.schema}_boss".job_common` : `"${place.schema}".steps`;
  await place.client.query(`ALTER TABLE ${table} ADD CONSTRAINT never CHECK (false) NOT VALID`);
  expect(await recording(place.storage, [subject("a"), step("s")]).code).toBe("storage-failed");
  expect(await stored(place)).toEqual(none);
  await place.client.query(`ALTER TABLE ${table} DROP CONSTRAINT never`);
  // The connection is as good as before.
  expect(await recording(place.storage, [subject("a"), step("s")]).code).toBe("stored");
  expect(await stored(place)).toEqual(all);
});

it("never has a statement of a job sent behind the commit", async () => {
  const session = new Session(async () => ({ rows: [] }), true);
  const { db, sent } = session.dbOnce();
  await db.executeSql("INSERT");
  await sent;
  expect(() => db.executeSql("INSERT")).toThrow(TypeError);
});
