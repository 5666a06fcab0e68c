// One way of putting many opt-outs in. Arguments: the place as JSON, "bulk" or "bare", how many. Prints what it took.
import { randomUUID } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { keyring, newKey } from "@heed/core";
import { tables } from "@heed/core/storage";
import pg from "pg";
import type { BulkCost } from "./bulk.ts";
import { addressOf, company } from "./company.ts";
import { openStorage, type Place } from "./places.ts";

const rowsInTransaction = 200;
const [told = "", what = "", many = "0"] = process.argv.slice(2);
const place = JSON.parse(told) as Place;
const count = Number(many);

async function measured(work: (sample: () => void) => Promise<void>): Promise<BulkCost> {
  let rssBytes = 0;
  const sample = () => {
    rssBytes = Math.max(rssBytes, process.memoryUsage.rss());
  };
  const began = performance.now();
  await work(sample);
  sample();
  return { ms: performance.now() - began, rssBytes };
}

/** A row of each table as heed writes them, to be repeated under other ids. */
async function sampleRows(): Promise<Record<"events" | "steps", Record<string, unknown>>> {
  const storage = openStorage(place);
  const heed = company(storage, keyring(newKey()), "");
  await heed.subscriptions.unsubscribe({ subject: { email: "first@example.org" }, topic: "news" });
  const rows = await storage.transact({
    lock: [],
    clock: { now: () => new Date(), sleep: async () => {} },
    read: { events: { from: "events", where: {}, limit: 1 }, steps: { from: "steps", where: {}, limit: 1 } },
    decide: ({ events, steps }) => ({ writes: [], answer: { events: events[0], steps: steps[0] } }),
  });
  await heed.close();
  if (rows.events === undefined || rows.steps === undefined) throw new Error("There is no row to repeat.");
  return { events: { ...rows.events }, steps: { ...rows.steps } };
}

type Insert = (table: "events" | "steps", rows: readonly Record<string, unknown>[]) => Promise<void>;

interface BareInserts {
  readonly insert: Insert;
  readonly within: (work: () => Promise<void>) => Promise<void>;
  readonly end: () => Promise<void>;
}

/** Inserts with nothing around them: the statements that each database takes fastest from one client. */
async function bareInserts(): Promise<BareInserts> {
  if (place.kind === "sqlite") {
    const database = new DatabaseSync(place.file);
    database.exec(
      "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = 8192",
    );
    const statements = {
      events: database.prepare(insertText("heed_events", "events", () => "?")),
      steps: database.prepare(insertText("heed_steps", "steps", () => "?")),
    };
    return {
      insert: async (table, rows) => {
        for (const row of rows)
          statements[table].run(...columnsOf(table).map((column) => (row[column] ?? null) as string));
      },
      async within(work) {
        database.exec("BEGIN IMMEDIATE");
        await work();
        database.exec("COMMIT");
      },
      end: async () => database.close(),
    };
  }
  const client = new pg.Client(place.url);
  await client.connect();
  const { schema } = place;
  return {
    async insert(table, rows) {
      const columns = columnsOf(table)
        .map((name) => `"${name}"`)
        .join(", ");
      const text = `INSERT INTO "${schema}"."${table}" (${columns}) SELECT ${columns} FROM jsonb_populate_recordset(NULL::"${schema}"."${table}", $1)`;
      const plain = rows.map((row) => ({ ...row, sealed: null }));
      await client.query({ name: `bare ${table}`, text, values: [JSON.stringify(plain)] });
    },
    async within(work) {
      await client.query("BEGIN");
      await work();
      await client.query("COMMIT");
    },
    end: () => client.end(),
  };
}

const columnsOf = (table: "events" | "steps"): readonly string[] => Object.keys(tables[table].columns);

function insertText(name: string, table: "events" | "steps", place: (index: number) => string): string {
  const columns = columnsOf(table);
  return `INSERT INTO ${name} (${columns.map((column) => `"${column}"`).join(", ")}) VALUES (${columns.map((_, index) => place(index)).join(", ")})`;
}

async function bare(): Promise<BulkCost> {
  const { events, steps } = await sampleRows();
  const { insert, within, end } = await bareInserts();
  const cost = await measured(async (sample) => {
    for (let done = 0; done < count; done += rowsInTransaction) {
      const now = new Date().toISOString();
      const ids = Array.from({ length: Math.min(rowsInTransaction, count - done) }, (_, index) => ({
        id: `bare-${done + index}`,
        subjectId: randomUUID(),
        stepId: randomUUID(),
      }));
      await within(async () => {
        await insert(
          "events",
          ids.map(({ id, subjectId }) => ({
            ...events,
            id,
            subjectId,
            claimedAt: now,
            recordedAt: now,
            effectiveAt: now,
          })),
        );
        await insert(
          "steps",
          ids.map(({ id, subjectId, stepId }) => ({
            ...steps,
            id: stepId,
            subjectId,
            eventId: id,
            dueAt: now,
            createdAt: now,
          })),
        );
      });
      sample();
    }
  });
  await end();
  return cost;
}

function* people() {
  for (let index = 0; index < count; index += 1)
    yield { subject: { email: addressOf(index) }, topic: "news" as const, id: `file-${index}` };
}

async function bulk(): Promise<BulkCost> {
  const heed = company(openStorage(place), keyring(newKey()), "");
  await heed.subscriptions.state({ subject: { email: "first@example.org" }, topic: "news" });
  const cost = await measured(async (sample) => {
    const result = await heed.subscriptions.unsubscribeMany(people(), { onProgress: sample });
    if (result.changed !== count) throw new Error(`${result.changed} of ${count} were recorded.`);
  });
  await heed.close();
  return cost;
}

console.log(JSON.stringify(await (what === "bare" ? bare() : bulk())));
