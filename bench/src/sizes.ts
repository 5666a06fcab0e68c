/**
 * How much room heed's tables take, in bytes a row, and how many pages a permit and a choice read:
 *
 *   node -C @heed/source bench/src/sizes.ts postgres|sqlite [subjects] [rounds] [erasures]
 *
 * Fills a new database through heed itself: in each round every subject (default 50,000) gives a consent and
 * takes it back (default: one round), and each choice is carried out at one processor. Every tenth subject is sent a
 * message, and some (default 2,000) are erased. All numbers but the times are the same on every machine.
 * docs/scale.md reckons with them.
 */
import { createHeed, definePolicy, keyring, newKey } from "@heed/core";
import { scriptedVendor } from "../../packages/testing/src/scripted-vendor.ts";
import type { MeasuredPlace, PagesTouched, TableSize } from "./measured-place.ts";
import { openPostgres } from "./sizes-postgres.ts";
import { openSqlite } from "./sizes-sqlite.ts";

const policy = definePolicy({
  controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
  recipients: { crm: { role: "processor", country: "US", transferTool: "scc" } },
  purposes: { news: { basis: "consent" } },
  topics: { newsletter: { class: "marketing", purpose: "news", via: ["crm"] } },
});
const asked = 200;

const [kind = "", ...numbers] = process.argv.slice(2);
const [subjects = 50_000, rounds = 1, erasures = Math.min(2_000, subjects / 2)] = numbers.map(Number);
const open = kind === "postgres" ? openPostgres : kind === "sqlite" ? openSqlite : undefined;
if (open === undefined || ![subjects, rounds, erasures].every(Number.isSafeInteger) || erasures > subjects) {
  console.error("Usage: sizes.ts postgres|sqlite [subjects] [rounds] [erasures]");
  process.exit(2);
}

const emailOf = (index: number) => `person.${index}@example.org`;

function* people() {
  for (let index = 0; index < subjects; index += 1) yield { subject: { email: emailOf(index) } };
}

function* mapped<T, R>(source: Iterable<T>, change: (item: T) => R) {
  for (const item of source) yield change(item);
}

function openHeed({ storage }: MeasuredPlace) {
  const crm = scriptedVendor({
    name: "crm",
    topics: ["newsletter"],
    operations: ["subscribe", "unsubscribe", "erase"],
    batchSize: 50,
    limit: { calls: 1_000_000, perMs: 1_000, burst: 100_000, delayMs: 0 },
  });
  const heed = createHeed({ policy, storage, keys: keyring(newKey()), processors: { crm: crm.processor } });
  return { heed, crm };
}

const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(1).padStart(9);

function print(title: string, tables: readonly TableSize[]): void {
  pagesLast = undefined;
  console.log(`\n${title}`);
  console.log(
    `${"".padEnd(44)}${"rows".padStart(9)}${"MiB".padStart(9)}${"B/row".padStart(8)}${"scans".padStart(10)}`,
  );
  const line = (name: string, rows: string, bytes: number, of: number, scans?: number) => {
    const eachRow = (of === 0 ? "" : (bytes / of).toFixed(0)).padStart(8);
    console.log(
      `${name.padEnd(44)}${rows.padStart(9)}${mib(bytes)}${eachRow}${String(scans ?? "").padStart(10)}`,
    );
  };
  let total = 0;
  for (const { table, rows, tableBytes, indexes } of tables) {
    if (rows === 0) continue;
    line(table, String(rows), tableBytes, rows);
    for (const { name, bytes, scans } of indexes) line(`  ${name}`, "", bytes, rows, scans);
    total += tableBytes + indexes.reduce((sum, { bytes }) => sum + bytes, 0);
  }
  line("all", "", total, 0);
}

/** As of the end of what was measured last; undefined after anything else. */
let pagesLast: PagesTouched | undefined;

/** Runs the work, and says what it has cost. */
async function costOf<T>(
  place: MeasuredPlace,
  what: string,
  count: (answer: T) => number,
  work: () => Promise<T>,
): Promise<T> {
  const [logBefore, pagesBefore] = [await place.logBytes(), (pagesLast ??= await place.pagesTouched())];
  const beganMs = performance.now();
  const answer = await work();
  const ms = performance.now() - beganMs;
  const [logAfter, pagesAfter] = [await place.logBytes(), await place.pagesTouched()];
  pagesLast = pagesAfter;
  const times = count(answer);
  const log =
    logBefore === undefined || logAfter === undefined
      ? ""
      : `, ${((logAfter - logBefore) / times).toFixed(0)} B of log each`;
  console.log(`${what}: ${times} in ${(ms / 1000).toFixed(1)} s${log}`);
  if (pagesBefore !== undefined && pagesAfter !== undefined)
    console.log(pagesEach(pagesBefore, pagesAfter, times));
  return answer;
}

function pagesEach(before: PagesTouched, after: PagesTouched, times: number): string {
  const each = [...after]
    .map(([table, pages]) => [table, (pages - (before.get(table) ?? 0)) / times] as const)
    .filter(([, pages]) => pages >= 0.05)
    .toSorted(([, one], [, other]) => other - one);
  const total = each.reduce((sum, [, pages]) => sum + pages, 0);
  return `  pages each: ${total.toFixed(1)} (${each.map(([table, pages]) => `${table} ${pages.toFixed(1)}`).join(", ")})`;
}

const place = await open();
try {
  const { heed, crm } = openHeed(place);
  const drain = () =>
    costOf(
      place,
      "settled steps",
      ({ settled }: { settled: number }) => settled,
      () => heed.work.drain(),
    );
  const evidence = {
    noticeVersion: "2026-11",
    language: "en",
    wording: "sha256:0f1e2d3c4b5a69788796a5b4c3d2e1f0",
  };
  const give = () =>
    heed.consent.giveMany(mapped(people(), (item) => ({ ...item, purpose: "news" as const, evidence })));
  const withdraw = () =>
    heed.subscriptions.unsubscribeMany(
      mapped(people(), (item) => ({ ...item, topic: "newsletter" as const })),
    );
  for (let round = 1; round < rounds; round += 1) {
    await give();
    await heed.work.drain();
    await withdraw();
    await heed.work.drain();
  }
  await costOf(place, "given", ({ changed }) => changed, give);
  print("with every step waiting", await place.sizes());
  await drain();
  await sendAndState();
  await costOf(place, "withdrawn", ({ changed }) => changed, withdraw);
  await drain();
  print("with every step ended", await place.sizes());

  for (let index = 0; index < erasures; index += 1)
    crm.add({ id: `record-${index}`, emails: [emailOf(index)] });
  await costOf(
    place,
    "erasures opened",
    () => erasures,
    async () => {
      for (let index = 0; index < erasures; index += 1)
        await heed.requests.open({
          right: "erasure",
          subject: { email: emailOf(index) },
          identity: "signed-in",
        });
    },
  );
  await drain();
  print("after the erasures", await place.sizes());
  if (place.packed !== undefined) print("packed", await place.packed());
  await heed.close();

  async function sendAndState(): Promise<void> {
    const count = subjects / 10;
    await costOf(
      place,
      "messages sent under a permit",
      () => count,
      async () => {
        for (let index = 0; index < count; index += 1) {
          const ask = { topic: "newsletter" as const, email: emailOf(index * 10), messageKey: "letter-1" };
          const permit = await heed.permits.take(ask);
          if (!permit.allowed) throw new Error(`A permit was refused: ${permit.because}.`);
          await permit.handOver();
          await permit.settle("accepted");
        }
      },
    );
    await costOf(
      place,
      "states asked",
      () => asked,
      async () => {
        for (let index = 0; index < asked; index += 1)
          await heed.consent.state({ subject: { email: emailOf(index) }, purpose: "news" });
      },
    );
  }
} finally {
  await place.close();
}
