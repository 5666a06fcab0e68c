import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { systemClock } from "@heed/core";
import { isHeedError } from "@heed/core/storage";
import { startChild } from "@heed/testing/private";
import pg from "pg";
import { describe, expect, inject, it, onTestFinished } from "vitest";
import { newPlace } from "../test/place.ts";
import { dataKey, due, inMs, read, set, step, subject, write } from "../test/transactions.ts";
import { postgres } from "./postgres.ts";

const canary = "anna.canary@example.org";

/** Everything that an error would show to whoever prints it. */
function shown(error: unknown): string {
  return inspect(error, { depth: null, showHidden: true });
}

async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  const error: unknown = await promise.then(
    () => "fulfilled",
    (reason: unknown) => reason,
  );
  expect(shown(error)).not.toContain("canary");
  return isHeedError(error) ? error.code : error;
}

describe("an error", () => {
  it("quotes no value of PostgreSQL's, whatever failed", async () => {
    const { storage, client, schema } = await newPlace({ giveUpAfterMs: 0 });
    await write(storage, [subject(canary)]);
    expect(await codeOf(write(storage, [subject(canary)]))).toBe("duplicate-row");
    await client.query(`ALTER TABLE "${schema}".subjects ADD CHECK (id <> '${canary}2')`);
    expect(await codeOf(write(storage, [subject(`${canary}2`)]))).toBe("storage-failed");
    await client.query(`ALTER TABLE "${schema}".subjects RENAME COLUMN id TO "${canary}"`);
    expect(await codeOf(write(storage, [subject("b")]))).toBe("storage-schema");
    await client.query(`ALTER TABLE "${schema}".subjects RENAME COLUMN "${canary}" TO id`);
    const nul = {
      insert: "subjects",
      row: { id: `${canary}\0`, namespace: "a", createdAt: "", frozenBy: null },
    } as const;
    expect(await codeOf(write(storage, [nul]))).toBe("storage-failed");
    const nowhere = postgres({
      connectionString: `postgres://${encodeURIComponent(canary)}:canary@127.0.0.1:1/x`,
      giveUpAfterMs: 0,
    });
    onTestFinished(() => nowhere.close());
    expect(await codeOf(write(nowhere, []))).toBe("storage-failed");
  });

  // Another server may let anybody in, and speak TLS.
  it.skipIf(process.env["HEED_TEST_DATABASE_URL"] !== undefined)(
    "says what to look at when there is no way in, and repeats nothing of the connection string",
    async () => {
      const server = new URL(inject("postgres").url);
      const role = `heed_${Date.now()}`;
      const { client } = await newPlace();
      await client.query(`CREATE ROLE ${role} LOGIN PASSWORD 'right'`);
      onTestFinished(async () => void (await client.query(`DROP ROLE ${role}`)));
      const at = (change: Partial<URL>) => Object.assign(new URL(server), change).href;
      for (const [connectionString, words] of [
        [at({ host: "127.0.0.1:1", password: "canary" }), /ECONNREFUSED.* is PostgreSQL running/],
        [at({ hostname: "canary.invalid" }), /(ENOTFOUND|EAI_AGAIN).* the host was not found/],
        [at({ username: role, password: "canary" }), /28P01.* the password/],
        [at({ username: "canary" }), /28P01.* the role/],
        [at({ pathname: "/canary" }), /3D000.* CREATE DATABASE/],
        [at({ search: "?sslmode=verify-full" }), /no-tls.* encrypted/],
        ["/tmp/canary app", /ENOENT.* no such socket/],
      ] as const) {
        const storage = postgres({ connectionString, giveUpAfterMs: 0 });
        const error: unknown = await write(storage, []).catch((thrown: unknown) => thrown);
        await storage.close();
        expect(error).toMatchObject({ code: "storage-failed", message: expect.stringMatching(words) });
        expect(shown(error)).not.toContain("canary");
      }
    },
  );

  it("says that a server which takes no writes is a standby, or is set so", async () => {
    const { another } = await newPlace();
    const url = new URL(inject("postgres").url);
    url.searchParams.set("options", "-c default_transaction_read_only=on");
    const readOnly = another({ connectionString: url.href, migrate: false, giveUpAfterMs: 0 });
    await expect(write(readOnly, [subject("a")])).rejects.toMatchObject({
      code: "storage-failed",
      message: expect.stringMatching(/25006.* a standby, or default_transaction_read_only is on/),
    });
  });

  it("says that the application's own transaction had failed before heed joined it", async () => {
    const { storage, client, schema } = await newPlace();
    await client.query("BEGIN");
    await client.query(`SELECT '${canary}'::int`).catch(() => {});
    const error: unknown = await write(storage, [subject("a")], client).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: "storage-failed",
      message: expect.stringMatching(/25P02.* \(`within`\), roll it back/),
    });
    expect(shown(error)).not.toContain("canary");
    await client.query("ROLLBACK");
    expect((await client.query(`SELECT id FROM "${schema}".subjects`)).rows).toEqual([]);
  });

  it("is a lasting one at once when the server asks for a password that there is none of", async () => {
    const authentication = (kind: number, text: string) => {
      const message = Buffer.from(`R\0\0\0\0\0\0\0${String.fromCharCode(kind)}${text}`, "latin1");
      message.writeInt32BE(message.length - 1, 1);
      return message;
    };
    // Speaks as far as SCRAM-SHA-256's first message, which the server of these tests never asks for.
    const server = createServer((socket) => {
      const answers = [authentication(10, "SCRAM-SHA-256\0\0"), authentication(11, "r=x")];
      socket.on("error", () => {}).on("data", () => void socket.write(answers.shift() ?? ""));
    });
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const storage = postgres({
      connectionString: `postgres://role@127.0.0.1:${port}/x`,
      giveUpAfterMs: 60_000,
    });
    onTestFinished(() => storage.close());
    const error: unknown = await write(storage, []).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: "storage-failed",
      message: expect.stringContaining("asks for a password"),
    });
  });

  it("is a lasting one at once when the role or the database is not there", async () => {
    const url = new URL(inject("postgres").url);
    url.pathname = "/nowhere";
    const storage = postgres({ connectionString: url.href, giveUpAfterMs: 60_000 });
    onTestFinished(() => storage.close());
    expect(await codeOf(write(storage, []))).toBe("storage-failed");
  });
});

describe("options", () => {
  it("are refused when they are none", () => {
    const url = "postgres://localhost/x";
    const pool = new pg.Pool();
    for (const wrong of [
      "",
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what process.env has of a name that is not set
      undefined as unknown as string,
      {},
      { connectionString: url, pool },
      { connectionString: url, schema: "Heed" },
      { connectionString: url, schema: 'h"' },
      { connectionString: url, connections: 0 },
      { connectionString: url, giveUpAfterMs: -1 },
      { connectionString: url, reconcileMs: Number.NaN },
    ]) {
      expect(() => postgres(wrong)).toThrow(TypeError);
    }
    expect(() => postgres({ connectionString: url, conections: 5 } as never)).toThrow(
      /postgres .* Did you mean `connections`\?/,
    );
  });

  it("take the application's own pool, one connection small, and leave it open", async () => {
    const place = await newPlace();
    const pool = new pg.Pool({ connectionString: inject("postgres").url, max: 1 });
    onTestFinished(() => pool.end());
    const storage = postgres({ pool, schema: place.schema });
    await Promise.all(
      [1, 2, 3].map((n) => write(storage, [subject(`a${n}`), step(`s${n}`, { processor: `p${n}` })])),
    );
    expect((await due(storage)).toSorted()).toEqual(["s1", "s2", "s3"]);
    await storage.close();
    expect((await pool.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
  });
});

/** A place whose connections can be told from those of other tests. */
async function namedPlace() {
  const place = await newPlace();
  const url = new URL(inject("postgres").url);
  url.searchParams.set("application_name", place.schema);
  return { ...place, storage: place.another({ connectionString: url.href }) };
}

describe("a role that may open few connections", () => {
  it("is told what is wrong when there is none left for work, and works when there is", async () => {
    const { client, schema, storage, another } = await newPlace();
    await write(storage, [step("a")]);
    await client.query(`CREATE ROLE "${schema}" LOGIN SUPERUSER PASSWORD 'canary'`);
    onTestFinished(async () => {
      await client.query(`DROP OWNED BY "${schema}"; DROP ROLE "${schema}"`).catch(() => {});
    });
    const url = new URL(inject("postgres").url);
    Object.assign(url, { username: schema, password: "canary" });
    // A superuser would be let in all the same.
    for (const each of [schema, `${schema}_boss`])
      await client.query(
        `GRANT ALL ON SCHEMA "${each}" TO "${schema}"; GRANT ALL ON ALL TABLES IN SCHEMA "${each}" TO "${schema}";
         GRANT ALL ON ALL FUNCTIONS IN SCHEMA "${each}" TO "${schema}"`,
      );
    await client.query(`ALTER ROLE "${schema}" NOSUPERUSER CONNECTION LIMIT 1`);
    const poor = another({ connectionString: url.href, connections: 1, giveUpAfterMs: 0 });
    expect(await codeOf(due(poor))).toBe("storage-failed");
    await client.query(`ALTER ROLE "${schema}" CONNECTION LIMIT 10`);
    await expect.poll(() => due(poor).catch(() => [])).toEqual(["a"]);
  });
});

it("makes a queue again at the next try, when the server refused the first", async () => {
  const { storage, client, schema } = await newPlace({ giveUpAfterMs: 0 });
  await client.query(`ALTER TABLE "${schema}_boss".queue ADD CONSTRAINT never CHECK (false) NOT VALID`);
  expect(await codeOf(write(storage, [step("a")]))).toBe("storage-failed");
  await client.query(`ALTER TABLE "${schema}_boss".queue DROP CONSTRAINT never`);
  await write(storage, [step("b")]);
  expect(await due(storage)).toEqual(["b"]);
});

describe("a connection that is lost", () => {
  it("before the commit is replaced, and the transaction is tried again", async () => {
    const { storage, client, schema } = await namedPlace();
    const kill = async () => {
      for (let n = 0; n < 30; n += 1) {
        await client.query(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1",
          [schema],
        );
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    };
    const killing = kill();
    const increment = () =>
      storage.transact({
        lock: ["limit:a"],
        read: { limit: { from: "limits", where: { bucket: "a" } } },
        clock: systemClock,
        decide: ({ limit }) => ({
          writes: [
            {
              insert: "limits",
              row: {
                bucket: "a",
                arrival: 0,
                arrival1: 0,
                arrival2: 0,
                pushedBackUntil: 0,
                used: 0,
                usedUntil: 0,
              },
              orKeep: true,
            },
            { update: "limits", where: { bucket: "a" }, set: { arrival: (limit[0]?.arrival ?? 0) + 1 } },
          ],
          answer: undefined,
        }),
      });
    const outcomes = await Promise.allSettled(Array.from({ length: 200 }, increment));
    await killing;
    const done = outcomes.filter(({ status }) => status === "fulfilled").length;
    // The only failure is a commit of which nobody can know.
    const failures = outcomes.flatMap((each): unknown[] => (each.status === "rejected" ? [each.reason] : []));
    expect(failures.every((error) => isHeedError(error) && error.code === "storage-failed")).toBe(true);
    const { rows } = await client.query(`SELECT arrival::int AS n FROM "${schema}".limits`);
    const stored = rows[0]?.n as number;
    expect(stored).toBeGreaterThanOrEqual(done);
    expect(stored).toBeLessThanOrEqual(outcomes.length);
    expect(done).toBeGreaterThan(150);
  });

  it("while it commits is told as unknown, and nothing is repeated", async () => {
    const { storage, client, schema } = await namedPlace();
    await client.query(
      `CREATE FUNCTION "${schema}".linger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(5); RETURN NULL; END $$;
       CREATE CONSTRAINT TRIGGER linger AFTER INSERT ON "${schema}".subjects DEFERRABLE INITIALLY DEFERRED
       FOR EACH ROW EXECUTE FUNCTION "${schema}".linger()`,
    );
    let decided = 0;
    const committing = storage.transact({
      lock: ["a"],
      read: {},
      clock: systemClock,
      decide: () => {
        decided += 1;
        return { writes: [subject("a")], answer: undefined };
      },
    });
    const outcome = codeOf(committing);
    for (let killed = 0; killed === 0;) {
      const { rowCount } = await client.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'COMMIT' AND state = 'active' AND application_name = $1",
        [schema],
      );
      killed = rowCount ?? 0;
    }
    expect(await outcome).toBe("storage-failed");
    expect(decided).toBe(1);
  });
});

describe("a process that stands still in a transaction", () => {
  it("keeps nobody waiting for its locks, and tries again when it goes on", { timeout: 60_000 }, async () => {
    const { storage, schema } = await newPlace();
    const program = fileURLToPath(new URL("../test/stand-still.ts", import.meta.url));
    const lame = startChild(program, inject("postgres").url, schema, "address:a", "9000");
    await lame.printed(1);
    const sinceMs = performance.now();
    await write(storage, [subject("meanwhile")], undefined, ["address:a"]);
    expect(performance.now() - sinceMs).toBeLessThan(8_500);
    await lame.ended();
    expect(lame.lines).toEqual(["try 1", "try 2", "stored"]);
    expect(await read(storage, { from: "subjects", where: {}, orderBy: ["id"] })).toMatchObject([
      { id: "late" },
      { id: "meanwhile" },
    ]);
  });
});

describe("a server that is gone without a word", () => {
  it.skipIf(process.platform !== "linux")("is noticed on every connection of heed's", async () => {
    const { client, another } = await newPlace();
    const pool = new pg.Pool({ connectionString: inject("postgres").url, max: 1 });
    onTestFinished(() => pool.end());
    (await pool.connect()).release();
    const before = sockets(client.port);
    const open = () => [...sockets(client.port)].filter(([inode]) => !before.has(inode));
    const joined = another({ pool, connectionString: undefined } as never);
    for (const each of [another(), joined]) {
      await write(each, []);
      await due(each);
    }
    // 02: its timer is that of keep-alive, proc_net_tcp(5).
    await expect.poll(() => new Set(open().map(([, timer]) => timer))).toEqual(new Set(["02"]));
    expect(open().length).toBeGreaterThan(4);
  });
});

/** This process's connections to a port, by inode, with what their timer is for. */
function sockets(port: number): ReadonlyMap<string, string> {
  const own = new Set(
    readdirSync("/proc/self/fd").flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1] ?? [];
      } catch {
        return [];
      }
    }),
  );
  const lines = readFileSync("/proc/self/net/tcp", "utf8").split("\n").slice(1);
  return new Map(
    lines.flatMap((line): [string, string][] => {
      const [, , remote = "", state, , timer = "", , , , inode = ""] = line.trim().split(/\s+/);
      const isOurs = state === "01" && own.has(inode) && remote.endsWith(portInHex(port));
      return isOurs ? [[inode, timer.slice(0, 2)]] : [];
    }),
  );
}

function portInHex(port: number): string {
  return `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
}

describe("what takes too long", () => {
  it("is given up by PostgreSQL's own limits, with nothing stored, and told as busy", async () => {
    const { storage, client, schema } = await newPlace();
    await write(storage, [subject("a")]);
    const url = new URL(inject("postgres").url);
    url.searchParams.set("options", "-c statement_timeout=100");
    const hasty = postgres({ connectionString: url.href, schema, giveUpAfterMs: 1_000 });
    onTestFinished(() => hasty.close());
    await client.query(`BEGIN; UPDATE "${schema}".subjects SET namespace = 'mine'`);
    const change = { update: "subjects", where: { id: "a" }, set: { frozenBy: "r" } } as const;
    expect(await codeOf(write(hasty, [subject("b"), change]))).toBe("storage-busy");
    await client.query("ROLLBACK");
    expect(await read(storage, { from: "subjects", where: {} })).toMatchObject([{ id: "a", frozenBy: null }]);
    await write(hasty, [subject("b")]);
  });

  it("is given up by a call without `within` that waits for the caller's own transaction, and says why", async () => {
    const { client, schema, storage } = await newPlace();
    const url = new URL(inject("postgres").url);
    url.searchParams.set("options", "-c lock_timeout=300");
    const hasty = postgres({ connectionString: url.href, schema });
    onTestFinished(() => hasty.close());
    await client.query("BEGIN");
    await write(storage, [subject("a")], client, ["subject:a"]);
    const beganMs = performance.now();
    const refused = await write(hasty, [subject("b")], undefined, ["subject:a"]).catch(
      (error: unknown) => error,
    );
    // Once: it is not tried again and again for as long as a lost connection is.
    expect(performance.now() - beganMs).toBeLessThan(2_000);
    expect(refused).toMatchObject({
      code: "storage-busy",
      message: expect.stringMatching(/`within`.* after your COMMIT/),
    });
    await client.query("COMMIT");
    await write(hasty, [subject("c")], undefined, ["subject:a"]);
    expect(await read(storage, { from: "subjects", where: {} })).toMatchObject([{ id: "a" }, { id: "c" }]);
  });

  it("waits for a lock for 30 seconds, or for as long as the database's owner says, in heed's transactions alone", async () => {
    const { client, schema, storage } = await newPlace();
    const pool = new pg.Pool({ connectionString: inject("postgres").url, max: 1 });
    onTestFinished(() => pool.end());
    await client.query(`
      CREATE TABLE "${schema}".seen (setting text);
      CREATE FUNCTION "${schema}".see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO "${schema}".seen VALUES (current_setting('lock_timeout')); RETURN NEW; END $$;
      CREATE TRIGGER see AFTER INSERT ON "${schema}".subjects FOR EACH ROW EXECUTE FUNCTION "${schema}".see()`);
    const url = new URL(inject("postgres").url);
    url.searchParams.set("options", "-c lock_timeout=45s");
    const patient = postgres({ connectionString: url.href, schema });
    const lent = postgres({ pool, schema });
    onTestFinished(async () => void (await Promise.all([patient.close(), lent.close()])));
    for (const [each, id] of [
      [storage, "a"],
      [lent, "b"],
      [patient, "c"],
    ] as const)
      await write(each, [subject(id)]);
    expect((await client.query(`SELECT setting FROM "${schema}".seen`)).rows).toEqual([
      { setting: "30s" },
      { setting: "30s" },
      { setting: "45s" },
    ]);
    expect((await pool.query("SHOW lock_timeout")).rows).toEqual([{ lock_timeout: "0" }]);
  });

  it("is tried again when two transactions wait for each other", async () => {
    const { storage } = await newPlace();
    await write(storage, [subject("a"), subject("b")]);
    const change = (id: string) =>
      ({ update: "subjects", where: { id, namespace: "acme" }, set: { frozenBy: "r" } }) as const;
    // Without a lock of heed's, and in opposite orders: PostgreSQL ends one of two.
    await Promise.all(
      Array.from({ length: 4 }, (_, n) =>
        write(storage, n % 2 === 0 ? [change("a"), change("b")] : [change("b"), change("a")], undefined, []),
      ),
    );
    expect(await read(storage, { from: "subjects", where: { frozenBy: "r" } })).toHaveLength(2);
  });
});

it("tells pg-boss a step's id and nothing else", async () => {
  const { storage, client, schema } = await newPlace();
  const sealed = Buffer.from(canary);
  await write(storage, [
    step("step-1", { subjectId: canary, input: canary, sealed, because: canary, eventId: canary }),
    dataKey(canary, sealed),
  ]);
  expect(await due(storage)).toEqual(["step-1"]);
  await write(storage, [set("step-1", { state: "running", leaseUntil: inMs(60_000) })]);
  await write(storage, [set("step-1", { state: "due", dueAt: inMs(60_000), outcome: canary })]);
  const { rows: tables } = await client.query(
    "SELECT tablename AS name FROM pg_tables WHERE schemaname = $1",
    [`${schema}_boss`],
  );
  const all: unknown[] = [];
  for (const { name } of tables as { name: string }[]) {
    all.push(...(await client.query(`SELECT * FROM "${schema}_boss"."${name}"`)).rows);
  }
  expect(all.length).toBeGreaterThan(3);
  expect(shown(all)).not.toContain("canary");
  const { rows: jobs } = await client.query(
    `SELECT data, output, source_output, singleton_key, group_id FROM "${schema}_boss".job`,
  );
  expect(jobs).toEqual([
    { data: { s: "step-1" }, output: null, source_output: null, singleton_key: null, group_id: null },
  ]);
});
