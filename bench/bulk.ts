/**
 * What a bulk costs on SQLite, beside what it cannot be done without:
 *
 *   node -C @heed/source bench/bulk.ts [count]
 *
 * `timeRatio`: `count` unsubscribes of people heed does not know yet, over a bare insert of as many event and
 * step rows into the same tables, and `cpuRatio` the same of processor time. `memoryRatio`: resident memory at `count` over that at 10,000. Each is
 * measured in a process of its own, one after another, on a file in the system's temporary directory.
 */
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createHeed, definePolicy, keyring, newKey } from "../packages/core/src/index.ts";
import { tables } from "../packages/core/src/storage.ts";
import { sqlite } from "../packages/sqlite/src/index.ts";
import { scriptedVendor } from "../packages/testing/src/scripted-vendor.ts";

/** V8 lets its young generation grow with what was ever allocated, however little lives: that is not heed's memory. */
const youngGeneration = ["--max-semi-space-size=8"];
const rowsInTransaction = 200;
const fewPeople = 10_000;

interface Measured {
  readonly ms: number;
  /** Processor time, user and system: says more than `ms` where others use the machine. */
  readonly cpuMs: number;
  readonly rssBytes: number;
}

const policy = definePolicy({
  controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
  recipients: { crm: { role: "processor", country: "US", transferTool: "scc" } },
  purposes: { news: { basis: "consent" } },
  topics: { newsletter: { class: "marketing", purpose: "news", via: ["crm"] } },
});

function open(file: string) {
  const crm = scriptedVendor({ name: "crm", topics: ["newsletter"], operations: ["unsubscribe"] });
  return createHeed({
    policy,
    storage: sqlite(file),
    keys: keyring(newKey()),
    processors: { crm: crm.processor },
  });
}

function* people(count: number) {
  for (let n = 0; n < count; n += 1)
    yield { subject: { email: `person-${n}@example.org` }, topic: "newsletter" as const, id: `file-${n}` };
}

async function measure(work: (sample: () => void) => Promise<void>): Promise<Measured> {
  let rssBytes = 0;
  const sample = () => {
    rssBytes = Math.max(rssBytes, process.memoryUsage.rss());
  };
  const startedMs = performance.now();
  const before = process.cpuUsage();
  await work(sample);
  sample();
  const { user, system } = process.cpuUsage(before);
  return { ms: performance.now() - startedMs, cpuMs: (user + system) / 1000, rssBytes };
}

async function bulk(file: string, count: number): Promise<Measured> {
  const heed = open(file);
  await heed.subscriptions.state({ subject: { email: "first@example.org" }, topic: "newsletter" });
  const measured = await measure(async (sample) => {
    const result = await heed.subscriptions.unsubscribeMany(people(count), { onProgress: sample });
    if (result.changed !== count) throw new Error(`${result.changed} of ${count} were recorded.`);
  });
  await heed.close();
  return measured;
}

async function bare(file: string, count: number): Promise<Measured> {
  const heed = open(file);
  const subject = { email: "first@example.org" };
  await heed.subscriptions.unsubscribe({ subject, topic: "newsletter" });
  await heed.close();
  const database = new DatabaseSync(file);
  database.exec(
    "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; " +
      "PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = 8192",
  );
  const insert = (table: "events" | "steps") => {
    const columns = Object.keys(tables[table].columns);
    const names = columns.map((column) => `"${column}"`).join(", ");
    const row = database.prepare(`SELECT ${names} FROM heed_${table}`).get() ?? {};
    const statement = database.prepare(
      `INSERT INTO heed_${table} (${names}) VALUES (${columns.map(() => "?").join(", ")})`,
    );
    return (own: Record<string, string>) =>
      statement.run(...columns.map((column) => own[column] ?? row[column] ?? null));
  };
  const [event, step] = [insert("events"), insert("steps")];
  const measured = await measure(async (sample) => {
    for (let n = 0; n < count; n += rowsInTransaction) {
      const now = new Date().toISOString();
      database.exec("BEGIN IMMEDIATE");
      for (let at = n; at < Math.min(n + rowsInTransaction, count); at += 1) {
        const [id, subjectId] = [`file-${at}`, randomUUID()];
        event({ id, subjectId, claimedAt: now, recordedAt: now, effectiveAt: now });
        step({ id: randomUUID(), subjectId, eventId: id, dueAt: now, createdAt: now });
      }
      database.exec("COMMIT");
      sample();
    }
  });
  database.close();
  return measured;
}

function inOwnProcess(what: string, count: number): Measured {
  const answer = execFileSync(
    process.execPath,
    [...youngGeneration, "-C", "@heed/source", import.meta.filename, String(count), what],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- this file wrote it
  return JSON.parse(String(answer)) as Measured;
}

const count = Number(process.argv[2] ?? 1_000_000);
const what = process.argv[3];
if (what === undefined) {
  const few = inOwnProcess("bulk", fewPeople);
  const plain = inOwnProcess("bare", count);
  const many = inOwnProcess("bulk", count);
  const figures = {
    count,
    bareMs: Math.round(plain.ms),
    bulkMs: Math.round(many.ms),
    cpuRatio: Number((many.cpuMs / plain.cpuMs).toFixed(2)),
    timeRatio: Number((many.ms / plain.ms).toFixed(2)),
    memoryRatio: Number((many.rssBytes / few.rssBytes).toFixed(2)),
    rssMiB: Math.round(many.rssBytes / 2 ** 20),
  };
  process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
} else {
  const directory = mkdtempSync(join(tmpdir(), "heed-bench-"));
  try {
    const measured = await (what === "bare" ? bare : bulk)(join(directory, "heed.db"), count);
    process.stdout.write(JSON.stringify(measured));
  } finally {
    rmSync(directory, { recursive: true });
  }
}
