import { expect, it } from "vitest";
import type { Query } from "@heed/core/storage";
import { newPlace, type Place } from "../test/place.ts";
import { Writer } from "./sql.ts";

const rows = 20_000;
const at = `to_char(timestamp '2026-01-01' + n * interval '1 second', 'YYYY-MM-DD"T"HH24:MI:SS".000Z"')`;

/** A log of which all but the last hundred entries are sealed, and steps of which few are open. */
async function filled(): Promise<Place> {
  const place = await newPlace();
  const { client, schema } = place;
  const from = `FROM generate_series(0, ${rows - 1}) AS n`;
  await client.query(
    `INSERT INTO "${schema}".evidence (id, namespace, at, entry, "sealedAs")
     SELECT md5(n::text), 'a', ${at}, repeat('e', 300), CASE WHEN n < ${rows - 100} THEN n END ${from}`,
  );
  await client.query(
    `INSERT INTO "${schema}".identifiers (digest, "subjectId", kind, sealed, verified, "addedAt")
     SELECT md5(n::text), n::text, 'email', '', 0, ${at} ${from}`,
  );
  await client.query(
    `INSERT INTO "${schema}".steps (id, namespace, "subjectId", processor, state, "dueAt", "deadlineAt", "endedAt")
     SELECT md5(n::text), 'a', n::text, 'crm', CASE WHEN n % 2 = 0 THEN 'due' ELSE 'verified' END,
       CASE WHEN n % 2 = 0 THEN ${at} END, ${at}, CASE WHEN n % 2 = 1 THEN ${at} END ${from}`,
  );
  await client.query(
    `INSERT INTO "${schema}".permits (id, address, message, state, "takenAt", "settledAt")
     SELECT md5(n::text), (n % 20)::text, n::text, CASE WHEN n < 20 THEN 'given' ELSE 'settled' END, ${at},
       CASE WHEN n >= 20 THEN ${at} END ${from}`,
  );
  await client.query("VACUUM (ANALYZE)");
  return place;
}

/** How many pages of 8 KiB PostgreSQL touches to answer, and what it answers. */
async function touched({ client, schema }: Place, query: Query) {
  const writer = new Writer(schema);
  const { sql, values } = writer.statement(writer.select(query));
  const explain = `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${sql}`;
  const [told] = (await client.query(explain, [...values])).rows as readonly {
    "QUERY PLAN": readonly { Plan: Record<string, number> }[];
  }[];
  const plan = told?.["QUERY PLAN"][0]?.Plan ?? {};
  const pages = (plan["Shared Hit Blocks"] ?? Infinity) + (plan["Shared Read Blocks"] ?? Infinity);
  return { pages, rows: plan["Actual Rows"] };
}

/** What is asked, how many rows answer it, and how many pages they may cost. */
const asked: readonly (readonly [what: string, rows: number, mostPages: number, query: Query])[] = [
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

it("touches no more pages however large the table is", async () => {
  const place = await filled();
  for (const [what, answered, mostPages, query] of asked) {
    const seen = await touched(place, query);
    expect(seen.rows, what).toBe(answered);
    expect(seen.pages, what).toBeLessThanOrEqual(mostPages);
  }
}, 60_000);
