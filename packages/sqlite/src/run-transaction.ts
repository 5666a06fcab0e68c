import type { Reads, RowsOf, TableName, Transaction, Where, Write } from "@heed/core/storage";
import type { Connection } from "./connection.ts";
import { staysInPlace } from "./schema.ts";
import { insert, remove, select, update, type AnyRow } from "./sql.ts";
import { translated } from "./sqlite-error.ts";

function applyUpdate(connection: Connection, table: TableName, where: Where, set: AnyRow): void {
  const change = update(table, where, set);
  if (Object.keys(set).length === 0) return;
  if (!staysInPlace(table)) {
    connection.run(change);
    return;
  }
  // A row that stays in place cannot change its length: it goes, and comes back at the end.
  const rows = connection.all(select({ from: table, where }));
  connection.run(remove(table, where));
  for (const row of rows) connection.run(insert(table, { ...row, ...set }, false));
}

function apply(connection: Connection, write: Write): void {
  if ("insert" in write) connection.run(insert(write.insert, write.row, write.orKeep === true));
  else if ("update" in write) applyUpdate(connection, write.update, write.where, write.set);
  else connection.run(remove(write.remove, write.where));
}

/** Reads, lets `decide` decide, and writes, inside the open transaction. What it wrote before it throws stays. */
export function decideAndWrite<R extends Reads, A>(
  connection: Connection,
  transaction: Transaction<R, A>,
): A {
  const rows: unknown = Object.fromEntries(
    Object.entries(transaction.read).map(([name, query]) => [name, connection.all(select(query))]),
  );
  const now = transaction.clock.now().toISOString();
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the tables are STRICT: nothing else is in them
  const { writes, answer } = transaction.decide(rows as RowsOf<R>, now);
  for (const write of writes) apply(connection, write);
  return answer;
}

/**
 * Reads, lets `decide` decide, and writes, inside the open transaction of the connection. Nothing of it
 * stays when it throws; what the open transaction did before stays.
 */
export function runTransaction<R extends Reads, A>(
  connection: Connection,
  transaction: Transaction<R, A>,
): A {
  connection.run("SAVEPOINT heed");
  try {
    const answer = decideAndWrite(connection, transaction);
    connection.run("RELEASE heed");
    return answer;
  } catch (error) {
    // A full disk, for one, makes SQLite roll the whole transaction back by itself.
    if (connection.database.isTransaction) {
      connection.run("ROLLBACK TO heed");
      connection.run("RELEASE heed");
    }
    throw translated(error);
  }
}
