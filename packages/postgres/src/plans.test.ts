import { createHash } from "node:crypto";
import pg from "pg";
import { expect, it } from "vitest";
import type { Query } from "@heed/core/storage";
import { newPlace, type Place } from "../test/place.ts";
import { Writer } from "./sql.ts";

const rows = 20_000;
const at = `to_char(timestamp '2026-01-01' + n * interval '1 second', 'YYYY-MM-DD"T"HH24:MI:SS".000Z"')`;

/**
 * A log of which all but the last hundred entries are sealed, and steps of which few are open. `stale`: what
 * PostgreSQL knows of it is that all is empty.
 */
async function filled(statistics: "fresh" | "stale"): Promise<Place> {
  const place = await newPlace();
  const { client, schema } = place;
  const tables = ["evidence", "identifiers", "steps", "permits", "requests", "events"];
  const named = tables.map((table) => `"${schema}".${table}`).join(", ");
  if (statistics === "stale") {
    for (const table of tables)
      await client.query(`ALTER TABLE "${schema}".${table} SET (autovacuum_enabled = false)`);
    await client.query(`VACUUM (ANALYZE) ${named}`);
  }
  const from = `FROM generate_series(0, ${rows - 1}) AS n`;
  await client.query(
    `INSERT INTO "${schema}".evidence (id, namespace, at, "requestId", entry, "sealedAs")
     SELECT md5(n::text), 'a', ${at}, CASE WHEN n % 9 = 7 THEN md5(n::text) END, repeat('e', 300),
       CASE WHEN n < ${rows - 100} THEN n END ${from}`,
  );
  await client.query(
    `INSERT INTO "${schema}".identifiers (digest, "subjectId", kind, sealed, verified, "addedAt")
     SELECT md5(n::text), n::text, 'email', '', 0, ${at} ${from}`,
  );
  await client.query(
    `INSERT INTO "${schema}".steps (id, namespace, "subjectId", "requestId", processor, state, "dueAt", "deadlineAt", "endedAt")
     SELECT md5(n::text), 'a', n::text, md5(n::text), 'crm', CASE WHEN n % 2 = 0 THEN 'due' ELSE 'verified' END,
       CASE WHEN n % 2 = 0 THEN ${at} END, ${at}, CASE WHEN n % 2 = 1 THEN ${at} END ${from}`,
  );
  await client.query(
    `INSERT INTO "${schema}".permits (id, address, message, state, "takenAt", "settledAt")
     SELECT md5(n::text), (n % 20)::text, n::text, CASE WHEN n < 20 THEN 'given' ELSE 'settled' END, ${at},
       CASE WHEN n >= 20 THEN ${at} END ${from}`,
  );
  await client.query(
    `INSERT INTO "${schema}".requests (id, namespace, "subjectId", state) SELECT md5(n::text), 'a', n::text, 'open' ${from}`,
  );
  await client.query(
    `INSERT INTO "${schema}".events (id, "subjectId", kind, sealed)
     SELECT md5(n::text), n::text, 'given', convert_to(repeat('e', 150), 'UTF8') ${from}`,
  );
  if (statistics === "stale") {
    // Sent, and not yet told of: who begins at what is open looks at all of them.
    await client.query(
      `INSERT INTO "${schema}".permits (id, address, message, state) SELECT 'o' || n, 'o' || n, '', 'given' ${from}`,
    );
  }
  if (statistics === "fresh") await client.query(`VACUUM (ANALYZE) ${named}`);
  return place;
}

function literal(value: unknown): string {
  if (Array.isArray(value)) return `ARRAY[${value.map((each) => literal(each)).join(", ")}]`;
  return typeof value === "number" ? `${value}` : pg.escapeLiteral(String(value));
}

/**
 * How many pages of 8 KiB PostgreSQL touches to answer, and what it answers.
 * @param planned for these very values, or, as for a statement that was run often, for any
 */
async function touched({ client, schema }: Place, query: Query, planned: "these" | "any" = "these") {
  const writer = new Writer(schema);
  const { sql, values } = writer.statement(writer.select(query));
  const mode = planned === "any" ? "force_generic_plan" : "force_custom_plan";
  await client.query(`SET plan_cache_mode = ${mode}; PREPARE asked AS ${sql}`);
  const execute = `EXECUTE asked (${values.map((value) => literal(value)).join(", ")})`;
  const [told] = (await client.query(`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${execute}`)).rows as readonly {
    "QUERY PLAN": readonly { Plan: Record<string, number> }[];
  }[];
  await client.query("DEALLOCATE asked");
  const plan = told?.["QUERY PLAN"][0]?.Plan ?? {};
  const pages = (plan["Shared Hit Blocks"] ?? Infinity) + (plan["Shared Read Blocks"] ?? Infinity);
  return { pages, rows: plan["Actual Rows"] };
}

/** What is asked, how many rows answer it, and how many pages they may cost. */
type Asked = readonly [what: string, rows: number, mostPages: number, query: Query];

const asked: readonly Asked[] = [
  [
    "the next page of a sealed log",
    50,
    20,
    {
      from: "evidence",
      where: { namespace: "a", sealedAs: { above: 99 } },
      orderBy: ["sealedAs"],
      limit: 50,
    },
  ],
  [
    "entries by their places in the log",
    3,
    20,
    { from: "evidence", where: { namespace: "a", sealedAs: [9, 99, 999] } },
  ],
  [
    "the next entries to prune",
    50,
    60,
    {
      from: "evidence",
      where: {
        namespace: "a",
        entry: { isNull: false },
        sealedAs: { isNull: false },
        at: { above: "2026-01-01T01:00:00.000Z" },
      },
      orderBy: ["at"],
      limit: 50,
    },
  ],
  [
    "what is not sealed yet",
    50,
    60,
    {
      from: "evidence",
      where: { namespace: "a", sealedAs: { isNull: true } },
      orderBy: ["at", "id"],
      limit: 50,
    },
  ],
  [
    "whether a key's id is known, which each permit asks",
    1,
    8,
    { from: "identifiers", where: { digest: { above: "0" } }, orderBy: ["digest"], limit: 1 },
  ],
  [
    "the step that is due next",
    1,
    8,
    {
      from: "steps",
      where: { namespace: "a", processor: "crm", state: "due" },
      orderBy: ["dueAt"],
      limit: 1,
    },
  ],
  [
    "open steps whose deadline has passed",
    1,
    8,
    {
      from: "steps",
      where: {
        namespace: "a",
        processor: "crm",
        state: "due",
        endedAt: { isNull: true },
        deadlineAt: { atMost: "2026-01-01T00:00:00.000Z" },
      },
      limit: 500,
    },
  ],
  [
    "the open permits of an address that was sent a thousand messages",
    1,
    8,
    {
      from: "permits",
      where: { address: ["7"], state: ["given", "handing-over"], settledAt: { isNull: true } },
    },
  ],
];

const digest = createHash("md5").update("7").digest("hex");
const ofDigest = { via: "identifiers", column: "subjectId", where: { digest: [digest] } } as const;
const addresses = { via: "identifiers", column: "subjectId", where: { subjectId: ofDigest } } as const;
const openRequests = {
  via: "requests",
  column: "id",
  where: { subjectId: ofDigest, closedAt: { isNull: true } },
} as const;

/** What is asked of somebody who is known by an identifier. */
const askedOfSomebody: readonly Asked[] = [
  ["the choices of a person", 1, 20, { from: "events", where: { subjectId: ofDigest } }],
  ["the identifiers of a person", 1, 20, { from: "identifiers", where: { subjectId: ofDigest } }],
  [
    "the open permits of a person's addresses",
    1,
    20,
    {
      from: "permits",
      where: { address: addresses, state: ["given", "handing-over"], settledAt: { isNull: true } },
    },
  ],
  [
    "the open requests of a person",
    1,
    20,
    { from: "requests", where: { subjectId: ofDigest, closedAt: { isNull: true } } },
  ],
  [
    "the open steps of a person",
    0,
    20,
    { from: "steps", where: { subjectId: ofDigest, endedAt: { isNull: true } } },
  ],
  [
    "the open steps of people",
    2,
    20,
    { from: "steps", where: { subjectId: ["6", "7", "8"], endedAt: { isNull: true } } },
  ],
  [
    "the open steps of a request",
    0,
    20,
    { from: "steps", where: { requestId: [digest], endedAt: { isNull: true } } },
  ],
  [
    "the evidence of a request",
    1,
    20,
    { from: "evidence", where: { requestId: digest }, orderBy: ["at", "id"] },
  ],
  ["the steps of a person's open requests", 1, 20, { from: "steps", where: { requestId: openRequests } }],
];

it("touches no more pages however large the table is", async () => {
  const place = await filled("fresh");
  for (const [what, answered, mostPages, query] of asked) {
    const seen = await touched(place, query);
    expect(seen.rows, what).toBe(answered);
    expect(seen.pages, what).toBeLessThanOrEqual(mostPages);
  }
}, 60_000);

// `stale` is how it is in a first import.
it.each(["fresh", "stale"] as const)(
  "begins at the person, by a plan for these values and for any, while its statistics are %s",
  { timeout: 60_000 },
  async (statistics) => {
    const place = await filled(statistics);
    for (const [what, answered, mostPages, query] of askedOfSomebody) {
      for (const planned of ["these", "any"] as const) {
        const seen = await touched(place, query, planned);
        expect(seen.rows, what).toBe(answered);
        expect(seen.pages, `${what}, planned for ${planned}`).toBeLessThanOrEqual(mostPages);
      }
    }
  },
);
