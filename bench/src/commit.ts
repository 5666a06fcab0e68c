import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { fileJournal, keyring, newKey, type Journal } from "@heed/core";
import pg from "pg";
import { addressOf, company } from "./company.ts";
import { median, timed, type Figure } from "./figure.ts";
import { openStorage, type Place } from "./places.ts";

const rounds = 1_000;
/** Before them, so that both are measured as in a process that has run for some seconds: compiled, and with its statements planned. */
const warmUp = 2_000;
const page = Buffer.alloc(4096, 7);

/** One `unsubscribe()` of somebody new beside one bare write, in turn, so that both see the same machine. */
async function inTurn(
  name: string,
  goal: number,
  place: Place,
  journal: Journal | undefined,
  write: () => unknown,
): Promise<Figure> {
  const heed = company(openStorage(place), keyring(newKey()), "", journal);
  const bare: number[] = [];
  const commits: number[] = [];
  for (let round = -warmUp; round < rounds; round += 1) {
    const written = await timed(write);
    const subject = { email: addressOf(round) };
    const committed = await timed(() => heed.subscriptions.unsubscribe({ subject, topic: "news" }));
    if (round < 0) continue;
    bare.push(written);
    commits.push(committed);
  }
  await heed.close();
  return {
    name,
    value: median(commits) / median(bare),
    goal,
    better: "lower",
    of: `${micros(median(commits))} over ${micros(median(bare))}`,
  };
}

/** The bare write: a page with fdatasync on the same disk. */
export async function sqliteCommit(place: Place, folder: string): Promise<readonly Figure[]> {
  const file = openSync(join(folder, "bare"), "w");
  const write = () => {
    writeSync(file, page);
    fdatasyncSync(file);
  };
  const beside: Place = { kind: "sqlite", file: join(folder, "with-journal.db") };
  const journal = fileJournal(join(folder, "heed.journal"));
  const figures = [
    await inTurn("unsubscribe.sqlite.commit", 3, place, undefined, write),
    await inTurn("unsubscribe.sqlite.commitWithJournal", 5, beside, journal, write),
  ];
  closeSync(file);
  return figures;
}

/** The bare write: a transaction that inserts one row. */
export async function postgresCommit(place: Place): Promise<readonly Figure[]> {
  if (place.kind !== "postgres") throw new TypeError("This is measured on PostgreSQL.");
  const client = new pg.Client(place.url);
  await client.connect();
  await client.query("CREATE TABLE bare (id bigserial PRIMARY KEY, text text)");
  const write = async () => {
    await client.query("BEGIN");
    await client.query({ name: "bare", text: "INSERT INTO bare (text) VALUES ($1)", values: ["x"] });
    await client.query("COMMIT");
  };
  const figure = await inTurn("unsubscribe.postgres.commit", 4, place, undefined, write);
  await client.end();
  return [figure];
}

const micros = (ms: number): string => `${Math.round(ms * 1000)} µs`;
