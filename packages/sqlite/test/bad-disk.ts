// Uses a database on a disk of its own that runs full, and then cannot be written to, and prints as JSON what it
// saw. Runs in a mount namespace of its own; arguments: the directory where the small disk is mounted.
import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createHeed, definePolicy, isHeedError, keyring, newKey } from "@heed/core";
import { sqlite } from "../src/sqlite.ts";

const [directory = ""] = process.argv.slice(2);
const file = join(directory, "heed.db");
const ballast = join(directory, "ballast");
const keys = newKey();
const open = () =>
  createHeed({
    policy: definePolicy({
      controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
      purposes: { news: { basis: "consent" } },
      topics: { news: { class: "marketing", purpose: "news" } },
    }),
    storage: sqlite(file),
    keys: keyring(keys),
  });
const said = (error: unknown) =>
  isHeedError(error)
    ? { code: error.code, message: error.message }
    : { code: "none", message: String(error) };
let heed = open();
const subject = (index: number) => ({ email: `p${index}.canary@example.org` });
const optOut = (index: number) => heed.subscriptions.unsubscribe({ subject: subject(index), topic: "news" });
const stateOf = async (index: number) =>
  (await heed.subscriptions.state({ subject: subject(index), topic: "news" })).state;

writeFileSync(ballast, Buffer.alloc(1_000_000));
const refusals: unknown[] = [];
let acknowledged = 0;
while (refusals.length < 3) {
  try {
    await optOut(acknowledged);
    acknowledged += 1;
  } catch (error) {
    refusals.push(said(error));
  }
}
const whileFull = [await stateOf(0), await stateOf(acknowledged - 1), await stateOf(acknowledged)];
rmSync(ballast);
await optOut(acknowledged);
const afterwards = [await stateOf(0), await stateOf(acknowledged)];
await heed.close();

execFileSync("mount", ["-o", "remount,ro", directory]);
heed = open();
const readOnly = await optOut(acknowledged + 1).then(() => "accepted", said);
execFileSync("mount", ["-o", "remount,rw", directory]);
await optOut(acknowledged + 1);
const mended = await stateOf(acknowledged + 1);
await heed.close();
console.log(JSON.stringify({ acknowledged, refusals, whileFull, afterwards, readOnly, mended }));
// What lies in the file, told by SQLite itself.
const { DatabaseSync } = await import("node:sqlite");
const database = new DatabaseSync(file);
const count = (sql: string) => Number(database.prepare(sql).get()?.["n"]);
console.log(
  JSON.stringify({
    integrity: database.prepare("PRAGMA integrity_check").get()?.["integrity_check"],
    subjects: count("SELECT count(*) AS n FROM heed_subjects"),
    events: count("SELECT count(*) AS n FROM heed_events"),
    evidence: count("SELECT count(*) AS n FROM heed_evidence"),
    identifiers: count("SELECT count(*) AS n FROM heed_identifiers"),
    dataKeys: count("SELECT count(*) AS n FROM heed_dataKeys"),
    suppressions: count("SELECT count(*) AS n FROM heed_suppressions"),
  }),
);
