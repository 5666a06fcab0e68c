import { createHash } from "node:crypto";
import { describe, expect, it, vi } from "vitest";
import { newPlace, type Place } from "../../test/place.ts";
import { superviseAfter } from "../../test/supervise.ts";
import { due, inMs, read, set, step, write } from "../../test/transactions.ts";
import { jobId } from "./jobs.ts";

interface JobRow {
  readonly id: string;
  readonly name: string;
  readonly data: unknown;
  readonly state: string;
  readonly waits: boolean;
}

/** The jobs as they lie in pg-boss's table. */
async function jobs({ client, schema }: Place): Promise<readonly JobRow[]> {
  const { rows } = await client.query(
    `SELECT id, name, data, state::text, start_after > now() AS waits FROM "${schema}_boss".job ORDER BY data->>'s'`,
  );
  return rows as JobRow[];
}

const running = (leaseMs: number) => ({ state: "running", leaseUntil: inMs(leaseMs), attempt: 1 });

describe("a step's job", () => {
  it("is made with the step, one for each that is due, and follows it until it ends", async () => {
    const place = await newPlace();
    const { storage } = place;
    await write(storage, [
      step("a"),
      step("b", { dueAt: inMs(60_000), processor: "mail ö" }),
      step("waits", { state: "waiting", dueAt: null }),
      step("ended", { state: "verified", dueAt: null }),
    ]);
    expect(await jobs(place)).toEqual([
      { id: jobId("a"), name: "heed/acme/crm", data: { s: "a" }, state: "created", waits: false },
      { id: jobId("b"), name: "heed/acme/mail-20-c3-b6", data: { s: "b" }, state: "created", waits: true },
    ]);
    await write(storage, [set("b", { dueAt: inMs(-1) }), set("waits", { state: "due", dueAt: inMs(0) })]);
    expect((await jobs(place)).map(({ data, waits }) => [data, waits])).toEqual([
      [{ s: "a" }, false],
      [{ s: "b" }, false],
      [{ s: "waits" }, false],
    ]);
    expect((await due(storage)).toSorted()).toEqual(["a", "b", "waits"]);
    await write(storage, [set("a", running(60_000)), set("b", running(60_000))]);
    expect((await jobs(place)).map(({ state }) => state)).toEqual(["active", "active", "active"]);
    await write(storage, [
      set("a", { state: "verified", leaseUntil: null, dueAt: null }),
      set("b", { state: "due", leaseUntil: null, dueAt: inMs(60_000) }),
      { remove: "steps", where: { id: "waits" } },
    ]);
    expect(await jobs(place)).toMatchObject([{ data: { s: "b" }, state: "created", waits: true }]);
  });

  it("is neither made nor lost by a transaction that is rolled back", async () => {
    const place = await newPlace();
    const { storage } = place;
    await write(storage, [step("a")]);
    const refused = [step("b"), set("a", { state: "verified", dueAt: null }), step("a")];
    await expect(write(storage, refused)).rejects.toMatchObject({ code: "duplicate-row" });
    expect(await jobs(place)).toMatchObject([{ data: { s: "a" }, state: "created" }]);
    expect(await due(storage)).toEqual(["a"]);
  });

  it("is held by leaving due, and released by coming back, however often", async () => {
    const place = await newPlace();
    const { storage } = place;
    await write(storage, [step("a")]);
    for (let n = 0; n < 3; n += 1) {
      await write(storage, [set("a", { state: "waiting", dueAt: null })]);
      expect([await jobs(place), await due(storage)]).toEqual([[], []]);
      await write(storage, [set("a", { state: "due", dueAt: inMs(0) })]);
      expect(await due(storage)).toEqual(["a"]);
    }
  });

  it("of 60 days' age still runs after pg-boss has cleared away what it may", async () => {
    const place = await newPlace();
    const { storage } = place;
    await write(storage, [step("a"), step("later", { dueAt: inMs(90 * 86_400_000) })]);
    await superviseAfter(place, "60 days");
    expect(await jobs(place)).toHaveLength(2);
    expect(await due(storage)).toEqual(["a"]);
  });
});

describe("what one worker was told", () => {
  it("no other is told, and it is told again itself until it has claimed it", async () => {
    const { storage, another } = await newPlace();
    const other = another();
    await write(storage, [step("a"), step("b"), step("c")]);
    const first = await due(storage, 2);
    expect(await due(other)).toHaveLength(1);
    expect(await due(storage, 2)).toEqual(first);
    await write(storage, [set(first[0] ?? "", running(60_000))]);
    expect(await due(storage, 2)).toEqual(first.slice(1));
  });

  it("to leave out stays with others, and wakes nobody again", async () => {
    const { storage, another, client, schema } = await newPlace();
    const other = another();
    const told: string[] = [];
    client.on("notification", ({ channel }) => told.push(channel));
    const hash = createHash("sha224").update(`${schema}_boss`).digest("hex").slice(0, 24);
    await client.query(`LISTEN pgboss_${hash}; LISTEN the_end`);
    await write(storage, [step("theirs"), step("behind", { dueAt: inMs(-1) })]);
    const ask = { namespace: "acme", now: inMs(0), max: 1, exceptSteps: ["theirs"] };
    expect((await storage.due(ask)).map(({ id }) => id)).toEqual(["behind"]);
    expect(await due(other)).toEqual(["theirs"]);
    // Notifications keep their order: before this one there was that of the write alone.
    await client.query("NOTIFY the_end");
    await vi.waitUntil(() => told.includes("the_end"), { timeout: 10_000 });
    expect(told).toEqual([`pgboss_${hash}`, "the_end"]);
  });

  it("is given back when it closes", async () => {
    const { storage, another } = await newPlace();
    const other = another();
    await write(storage, [step("a", { alone: 0 })]);
    expect(await due(other)).toEqual(["a"]);
    expect(await due(storage)).toEqual([]);
    await other.close();
    expect(await storage.due({ namespace: "acme", now: inMs(0), max: 1 })).toMatchObject([{ alone: false }]);
  });

  it("comes back to others, alone, when it has died before it claimed anything", async () => {
    const place = await newPlace();
    const other = place.another();
    await write(place.storage, [step("a")]);
    expect(await due(other)).toEqual(["a"]);
    await superviseAfter(place, "20 seconds");
    await place.client.query(`UPDATE "${place.schema}_boss".job SET start_after = now()`);
    expect(await place.storage.due({ namespace: "acme", now: inMs(0), max: 5 })).toMatchObject([
      { id: "a", alone: true },
    ]);
  });

  it("and has killed worker after worker runs alone from then on, and is not lost", async () => {
    const place = await newPlace({ reconcileMs: 0 });
    const { storage, client, schema } = place;
    await write(storage, [step("poison"), step("fine", { dueAt: inMs(3_600_000) })]);
    for (let deaths = 0; deaths < 3; deaths += 1) {
      const victim = place.another({ reconcileMs: 1e9 });
      expect(await due(victim)).toEqual(["poison"]);
      await superviseAfter(place, "20 seconds");
      await client.query(`UPDATE "${schema}_boss".job SET start_after = now() WHERE state = 'retry'`);
    }
    const { rows } = await client.query(
      `SELECT name, state::text FROM "${schema}_boss".job WHERE data->>'s' = 'poison' ORDER BY name`,
    );
    expect(rows).toEqual([
      { name: "heed.dead", state: "created" },
      { name: "heed/acme/crm", state: "failed" },
    ]);
    expect(await storage.due({ namespace: "acme", now: inMs(0), max: 5 })).toMatchObject([
      { id: "poison", alone: true },
    ]);
    expect(await read(storage, { from: "steps", where: { alone: 1 } })).toMatchObject([{ id: "poison" }]);
    expect((await jobs(place)).filter(({ name }) => name === "heed.dead")).toEqual([]);
  });
});

describe("a claimed step", () => {
  it("is told to another when its lease has run out, and not before, whatever pg-boss thinks", async () => {
    const place = await newPlace();
    const other = place.another();
    const { storage } = place;
    await write(storage, [step("a")]);
    await due(storage);
    await write(storage, [set("a", running(60_000))]);
    expect(await due(other)).toEqual([]);
    // The heartbeat is said to be missed, and the job is brought again: the lease still holds.
    await superviseAfter(place, "20 seconds");
    await place.client.query(`UPDATE "${place.schema}_boss".job SET start_after = now() - interval '1 s'`);
    expect(await due(other)).toEqual([]);
    await place.client.query(`UPDATE "${place.schema}".steps SET "leaseUntil" = $1`, [inMs(-1)]);
    expect(await other.due({ namespace: "acme", now: inMs(0), max: 5 })).toMatchObject([
      { id: "a", alone: true },
    ]);
  });

  it("is not brought again for as long as its lease is renewed", async () => {
    const place = await newPlace();
    const { storage, client, schema } = place;
    await write(storage, [step("a")]);
    await due(storage);
    await write(storage, [set("a", running(60_000))]);
    for (let n = 0; n < 3; n += 1) {
      await client.query(`UPDATE "${schema}_boss".job SET heartbeat_on = heartbeat_on - interval '1 hour'`);
      await write(storage, [set("a", { leaseUntil: inMs(60_000) })]);
      await superviseAfter(place, "10 seconds");
      expect(await jobs(place)).toMatchObject([{ state: "active" }]);
    }
  });

  it("cannot be settled late: of two workers the one that came second owns the row", async () => {
    const { storage, another } = await newPlace();
    const other = another();
    await write(storage, [step("a")]);
    await due(storage);
    await write(storage, [set("a", running(-1))]);
    expect(await due(other)).toEqual(["a"]);
    await write(other, [set("a", { ...running(60_000), attempt: 2 })]);
    await write(storage, [
      { update: "steps", where: { id: "a", attempt: 1 }, set: { state: "verified", leaseUntil: null } },
    ]);
    expect(await read(storage, { from: "steps", where: {} })).toMatchObject([
      { state: "running", attempt: 2 },
    ]);
  });
});

describe("a step that lost its job", () => {
  it("is found where the queue is empty", async () => {
    const { storage, client, schema } = await newPlace();
    await write(storage, [step("a"), step("b", { dueAt: inMs(3_600_000) })]);
    await client.query(`DELETE FROM "${schema}_boss".job`);
    expect(await due(storage)).toEqual(["a"]);
  });

  it("with all of pg-boss's schema is found by a worker that has never worked on it", async () => {
    const place = await newPlace();
    await write(place.storage, [step("a")]);
    await place.client.query(`DROP SCHEMA "${place.schema}_boss" CASCADE`);
    const restored = place.another();
    await restored.migrate();
    const found = await restored.due({ namespace: "acme", now: inMs(0), max: 5, processor: "crm" });
    expect(found).toMatchObject([{ id: "a" }]);
  });

  it("is found in time where the queue never is", async () => {
    const place = await newPlace({ reconcileMs: 100 });
    const { storage, client, schema } = place;
    await write(storage, [step("lost", { lane: 0 }), ...Array.from({ length: 20 }, (_, n) => step(`s${n}`))]);
    await due(storage, 1);
    await client.query(`DELETE FROM "${schema}_boss".job WHERE data->>'s' = 'lost'`);
    const other = place.another({ reconcileMs: 1e9 });
    expect(await due(other, 1)).not.toEqual(["lost"]);
    await new Promise((resolve) => setTimeout(resolve, 120));
    await due(storage, 1);
    expect(await due(storage, 1)).toEqual(["lost"]);
  });

  it("has its job no twice, and a job without a step is cleared away", async () => {
    const place = await newPlace({ reconcileMs: 0 });
    const { storage, client, schema } = place;
    await write(storage, [step("a"), step("b")]);
    await client.query(`UPDATE "${schema}".steps SET state = 'verified', "dueAt" = NULL WHERE id = 'b'`);
    expect(await due(storage)).toEqual(["a"]);
    await due(storage);
    expect(await jobs(place)).toMatchObject([{ data: { s: "a" } }]);
  });
});

describe("what is due behind more jobs than a fetch brings", () => {
  const ids = (name: string) => Array.from({ length: 7 }, (_, n) => `${name}${n}`);
  const waiting = async (place: Place) =>
    (await jobs(place)).filter(({ state, waits }) => state === "created" && waits).map(({ data }) => data);

  it("is told when those are of leased steps, and each of them waits for the end of its lease", async () => {
    const place = await newPlace();
    const { storage, client, schema } = place;
    const [leased, other] = [ids("leased"), place.another()];
    await write(
      storage,
      leased.map((id) => step(id, { lane: 0 })),
    );
    expect(await due(other, leased.length)).toHaveLength(leased.length);
    await write(
      other,
      leased.map((id) => set(id, running(60_000))),
    );
    await write(storage, [step("behind"), step("last", { lane: 2 })]);
    // Every heartbeat was missed: a database that could not be reached is enough.
    await superviseAfter(place, "20 seconds");
    await client.query(`UPDATE "${schema}_boss".job SET start_after = now() WHERE state = 'retry'`);
    expect(await due(storage, 2)).toEqual(["behind", "last"]);
    expect(await waiting(place)).toEqual(leased.map((s) => ({ s })));
  });

  it("is told when those came before their time, by the clock that says when they are due", async () => {
    const place = await newPlace();
    const { storage, client, schema } = place;
    const early = ids("early");
    await write(storage, [...early.map((id) => step(id, { lane: 0, dueAt: inMs(60_000) })), step("behind")]);
    await client.query(`UPDATE "${schema}_boss".job SET start_after = now()`);
    expect(await due(storage, 2)).toEqual(["behind"]);
    expect(await waiting(place)).toEqual(early.map((s) => ({ s })));
  });
});

it("brings the urgent first, whatever waits before it", async () => {
  const { storage } = await newPlace();
  const bulk = Array.from({ length: 500 }, (_, n) => step(`bulk${n}`, { lane: 2, dueAt: inMs(-86_400_000) }));
  await write(storage, bulk);
  await due(storage, 3);
  await write(storage, [step("optOut", { lane: 0, dueAt: inMs(0) })]);
  expect((await due(storage, 3))[0]).toBe("optOut");
});

describe("watch", () => {
  it("wakes when another process makes a step due, and not after it was ended", async () => {
    const { storage, another } = await newPlace();
    const other = another();
    let woken = 0;
    let told: () => void = () => {};
    const stop = storage.watch?.(() => {
      woken += 1;
      told();
    });
    await due(storage);
    const before = woken;
    const wake = new Promise<void>((resolve) => (told = resolve));
    await write(other, [step("later", { dueAt: inMs(60_000) }), step("now")]);
    await wake;
    expect(woken).toBe(before + 1);
    stop?.();
    await write(other, [step("more")]);
    await due(storage);
    expect(woken).toBe(before + 1);
  });
});

describe("connections", () => {
  it("are gone after close, and none is held for work by a process that only records", async () => {
    const { storage, client, schema, another } = await newPlace();
    await storage.close();
    const url = (name: string) => ({ schema, connectionString: `${urlOf(client)}?application_name=${name}` });
    const open = async (name: string) =>
      (
        await client.query("SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = $1", [
          name,
        ])
      ).rows[0]?.n as number;
    const [recorder, worker] = [another(url(`${schema}r`)), another(url(`${schema}w`))];
    await write(recorder, [step("a")]);
    worker.watch?.(() => {});
    await due(worker);
    expect(await open(`${schema}r`)).toBeLessThanOrEqual(2);
    expect(await open(`${schema}w`)).toBeGreaterThan(2);
    await Promise.all([recorder.close(), worker.close()]);
    for (const name of [`${schema}r`, `${schema}w`]) {
      await expect.poll(() => open(name)).toBe(0);
    }
  });
});

function urlOf(client: Place["client"]): string {
  const { user, password, host, port, database } = client;
  return `postgres://${user}:${password}@${host}:${port}/${database}`;
}

it("makes a queue again that somebody deleted, and loses no step", async () => {
  const { storage, client, schema } = await newPlace();
  await write(storage, [step("a")]);
  await client.query(
    `DELETE FROM "${schema}_boss".job; DELETE FROM "${schema}_boss".queue WHERE name LIKE 'heed/%'`,
  );
  await write(storage, [step("b")]);
  expect((await due(storage)).toSorted()).toEqual(["a", "b"]);
});
