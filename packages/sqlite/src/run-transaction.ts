import {
  conflictOf,
  type Query,
  type Reads,
  type RowsOf,
  type TableName,
  type Transaction,
  type Where,
  type Write,
} from "@heed/core/storage";
import type { SqlRow } from "./connection.ts";
import type { KeyedConnection } from "./keyed-connection.ts";
import { isReference } from "./key-file.ts";
import { staysInPlace } from "./schema.ts";
import { insert, remove, select, update, type AnyRow } from "./sql.ts";
import { translated } from "./sqlite-error.ts";

/** The rows of a query; of data keys, those whose key is not destroyed. */
function read(connection: KeyedConnection, query: Query): readonly SqlRow[] {
  const rows = connection.all(select(query));
  const { keyFile } = connection;
  if (keyFile === undefined || query.from !== "dataKeys") return rows;
  return rows.flatMap((row) => {
    const wrapped = keyFile.get(row["wrapped"]);
    return wrapped === undefined ? [] : [{ ...row, wrapped }];
  });
}

/** What the database holds of a row: of a data key with a file of its own, a reference. */
function kept(connection: KeyedConnection, table: TableName, row: AnyRow): AnyRow {
  const { wrapped } = row;
  if (connection.keyFile === undefined || table !== "dataKeys" || !(wrapped instanceof Uint8Array))
    return row;
  return { ...row, wrapped: connection.keyFile.put(wrapped) };
}

/** Removes rows; keys in a file of their own are destroyed there once this is committed. */
function applyRemove(connection: KeyedConnection, table: TableName, where: Where): void {
  if (connection.keyFile !== undefined && table === "dataKeys") {
    const sql = "INSERT OR IGNORE INTO heed_keysToDestroy VALUES (?)";
    for (const { wrapped } of connection.all(select({ from: table, where })))
      if (wrapped instanceof Uint8Array && isReference(wrapped))
        connection.run({ sql, parameters: [wrapped] });
  }
  connection.run(remove(table, where));
}

function applyUpdate(connection: KeyedConnection, table: TableName, where: Where, set: AnyRow): void {
  const change = update(table, where, set);
  if (Object.keys(set).length === 0) return;
  if (!staysInPlace(table)) {
    connection.run(change);
    return;
  }
  // A row that stays in place cannot change its length: it goes, and comes back at the end.
  const rows = connection.all(select({ from: table, where }));
  if ("wrapped" in set) applyRemove(connection, table, where);
  else connection.run(remove(table, where));
  const changed = kept(connection, table, set);
  for (const row of rows) connection.run(insert(table, { ...row, ...changed }, false));
}

function apply(connection: KeyedConnection, write: Write): void {
  if ("insert" in write)
    connection.run(insert(write.insert, kept(connection, write.insert, write.row), conflictOf(write)));
  else if ("update" in write) applyUpdate(connection, write.update, write.where, write.set);
  else applyRemove(connection, write.remove, write.where);
}

/** Reads, lets `decide` decide, and writes, inside the open transaction. What it wrote before it throws stays. */
export function decideAndWrite<R extends Reads, A>(
  connection: KeyedConnection,
  transaction: Transaction<R, A>,
): A {
  const rows: unknown = Object.fromEntries(
    Object.entries(transaction.read).map(([name, query]) => [name, read(connection, query)]),
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
  connection: KeyedConnection,
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
