import type { Socket } from "node:net";
import { systemClock } from "@heed/core";
import { isHeedError, type HeedStorage } from "@heed/core/storage";
import pg from "pg";
import { expect, it, onTestFinished } from "vitest";
import { newPlace, type Place } from "../test/place.ts";
import { due, step, subject } from "../test/transactions.ts";
import { wayToServer } from "../test/way-to-server.ts";
import { postgres } from "./postgres.ts";

const below = (most: number) => Math.floor(Math.random() * most);

/** A way to the server on which most connections are cut, after some byte in one direction or the other. */
async function cuttingWay() {
  let cuts = 0;
  let isOver = false;
  const way = await wayToServer((client, server) => {
    const isCut = Math.random() < 0.9;
    const pass = (from: Socket, into: Socket, most: number) => {
      let left = isCut ? 500 + below(most) : Infinity;
      from.on("data", (bytes) => {
        if (left <= 0) return;
        into.write(bytes.subarray(0, left));
        left -= isOver ? 0 : bytes.length;
        if (left > 0) return;
        cuts += 1;
        // At once, or when the server has gone on for a while and nobody has heard of it.
        setTimeout(() => void [client, server].map((socket) => socket.destroy()), below(2) * below(200));
      });
    };
    pass(client, server, 60_000);
    pass(server, client, 6_000);
  });
  return {
    url: way.url,
    cuts: () => cuts,
    end() {
      isOver = true;
      way.cut();
    },
  };
}

/** What was asked for once, and what became of it. Each time that it is decided, its rows have other ids. */
interface Asked {
  readonly steps: number;
  tries: number;
  told?: "stored" | "unknown" | "refused";
}

async function ask(storage: HeedStorage, id: string, asked: Asked): Promise<void> {
  await storage
    .transact({
      lock: [`address:${below(8)}`, `subject:${id}`],
      read: { subjects: { from: "subjects", where: { id } } },
      clock: systemClock,
      decide: () => {
        asked.tries += 1;
        const own = `${id}.${asked.tries}`;
        const steps = Array.from({ length: asked.steps }, (_, n) =>
          step(`${own}.${n}`, { subjectId: own, processor: `p${n % 3}` }),
        );
        return { writes: [subject(own), ...steps], answer: undefined };
      },
    })
    .then(
      () => (asked.told = "stored"),
      (error: unknown) => {
        if (!isHeedError(error)) throw error;
        asked.told = error.message.includes("not known") ? "unknown" : "refused";
      },
    );
}

/** How many rows each try has, by its id. */
async function stored({ client, schema }: Place) {
  const count = async (sql: string) =>
    new Map((await client.query(sql)).rows.map((row: { own: string; n: number }) => [row.own, row.n]));
  const ofStep = `regexp_replace(data->>'s', '\\.\\d+$', '')`;
  return {
    subjects: await count(`SELECT id AS own, 1 AS n FROM "${schema}".subjects`),
    steps: await count(`SELECT "subjectId" AS own, count(*)::int AS n FROM "${schema}".steps GROUP BY 1`),
    jobs: await count(`SELECT ${ofStep} AS own, count(*)::int AS n FROM "${schema}_boss".job GROUP BY 1`),
  };
}

it("stores what it tells, once and whole, wherever connections are cut", { timeout: 60_000 }, async () => {
  const place = await newPlace();
  const { client, schema } = place;
  // Now and then longer than the application's pool waits.
  await client.query(
    `CREATE FUNCTION "${schema}".linger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep((random() < 0.1)::int * 0.4); RETURN NEW; END $$;
     CREATE TRIGGER linger BEFORE INSERT ON "${schema}".subjects FOR EACH ROW EXECUTE FUNCTION "${schema}".linger()`,
  );
  const way = await cuttingWay();
  way.url.searchParams.set("application_name", schema);
  const own = place.another({ connectionString: way.url.href, connections: 4 });
  const pool = new pg.Pool({ connectionString: way.url.href, max: 4, query_timeout: 300 });
  pool.on("error", () => {});
  const lent = postgres({ pool, schema });
  onTestFinished(async () => {
    way.end();
    await lent.close();
    await pool.end();
  });

  const all = new Map<string, Asked>();
  const untilMs = performance.now() + 6_000;
  const askOn = async (storage: HeedStorage) => {
    while (performance.now() < untilMs) {
      const asked: Asked = { steps: below(20) === 0 ? 300 : below(5), tries: 0 };
      const id = `${all.size}`;
      all.set(id, asked);
      await ask(storage, id, asked);
    }
  };
  await Promise.all([own, own, own, own, own, own, lent, lent, lent, lent].map(askOn));
  way.end();
  const others = `SELECT FROM pg_stat_activity WHERE application_name = '${schema}'`;
  await expect.poll(async () => (await client.query(others)).rowCount, { timeout: 10_000 }).toBe(0);

  const { subjects, steps, jobs } = await stored(place);
  expect(way.cuts()).toBeGreaterThan(10);
  expect([...all.values()].filter(({ told }) => told === "stored").length).toBeGreaterThan(20);
  for (const [id, { tries, told, steps: wanted }] of all) {
    const there = Array.from({ length: tries }, (_, n) => `${id}.${n + 1}`).filter((own) =>
      subjects.has(own),
    );
    const what = `${id}, told as ${told} after ${tries} tries`;
    const may = { stored: [[`${id}.${tries}`]], refused: [[]], unknown: [[], there.slice(0, 1)] };
    expect(told === undefined ? [] : may[told], what).toContainEqual(there);
    for (const own of there)
      expect([steps.get(own) ?? 0, jobs.get(own) ?? 0], what).toEqual([wanted, wanted]);
  }
  // Nothing without its subject, and nobody is left behind in a transaction.
  for (const own of [...steps.keys(), ...jobs.keys()]) expect(subjects.has(own), own).toBe(true);
  expect((await due(place.storage, 10)).length).toBe(10);
});
