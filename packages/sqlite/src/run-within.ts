import { statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { Reads, Transaction } from "@heed/core/storage";
import { refuseWithoutKeys, type KeyFile } from "./key-file.ts";
import { KeyedConnection } from "./keyed-connection.ts";
import { migrate } from "./migrate.ts";
import { runTransaction } from "./run-transaction.ts";

const connections = new WeakMap<DatabaseSync, KeyedConnection>();

function isSameFile(one: string, other: string | null): boolean {
  if (other === null || other === "") return false;
  const [first, second] = [one, other].map((file) => statSync(file, { throwIfNoEntry: false }));
  return first !== undefined && first.dev === second?.dev && first.ino === second.ino;
}

/** @throws TypeError unless it is an open `DatabaseSync` of this file with a transaction begun */
function joinable(file: string, within: unknown): DatabaseSync {
  if (!(within instanceof DatabaseSync)) throw new TypeError("`within` takes a DatabaseSync of node:sqlite.");
  if (!within.isOpen || !within.isTransaction) {
    throw new TypeError("`within` takes a database whose transaction has begun: BEGIN IMMEDIATE first.");
  }
  if (!isSameFile(file, within.location())) {
    throw new TypeError("`within` takes a database on the storage's own file: no transaction spans two.");
  }
  return within;
}

/**
 * Runs the transaction inside one that the application has begun on the same file: the application's
 * `COMMIT` is then the commit, and its `ROLLBACK` leaves nothing. When it throws, the application's
 * transaction goes on without it.
 */
export function runWithin<R extends Reads, A>(
  file: string,
  transaction: Transaction<R, A>,
  keyFile?: KeyFile,
): A {
  const database = joinable(file, transaction.within);
  const known = connections.get(database);
  const connection =
    known?.keyFile === keyFile && known !== undefined ? known : new KeyedConnection(database, keyFile);
  connections.set(database, connection);
  migrate(database);
  if (keyFile === undefined) refuseWithoutKeys(database, undefined);
  else keyFile.bind(database);
  const before = Number(database.prepare("PRAGMA secure_delete").get()?.["secure_delete"]);
  database.exec("PRAGMA secure_delete = ON");
  try {
    const answer = runTransaction(connection, transaction);
    // Whether the application commits or not: a key that nothing refers to opens nothing.
    keyFile?.commit();
    return answer;
  } finally {
    database.exec(`PRAGMA secure_delete = ${["OFF", "ON", "FAST"][before]}`);
  }
}
