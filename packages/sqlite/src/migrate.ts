import type { DatabaseSync } from "node:sqlite";
import { HeedError, type TableName } from "@heed/core/storage";
import {
  createIndexes,
  createTable,
  declaration,
  fingerprint,
  sqlColumns,
  sqlName,
  tableNames,
} from "./schema.ts";

/** Whether the file's tables serve this version: a newer one that migrated them later took nothing away. */
export function isServed(database: DatabaseSync): boolean {
  const exists = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'heed_schema'").get();
  if (exists === undefined) return false;
  return database.prepare("SELECT 1 FROM heed_schema WHERE fingerprint = ?").get(fingerprint) !== undefined;
}

function refuse(table: TableName, column: string, problem: string): HeedError {
  return new HeedError(`The file's ${table}.${column} ${problem}.`, { code: "storage-schema" });
}

/** Adds what the table lacks. What it has must be as declared: nothing is rewritten, and nothing dropped. */
function bringForward(database: DatabaseSync, table: TableName): void {
  const present = new Map(
    database
      .prepare("SELECT name, type, \"notnull\" FROM pragma_table_info(?) WHERE name <> 'seat'")
      .all(`heed_${table}`)
      .map((column) => [column["name"], column]),
  );
  if (present.size === 0) {
    database.exec(createTable(table));
    return;
  }
  for (const column of sqlColumns(table)) {
    const found = present.get(column.name);
    present.delete(column.name);
    if (found === undefined) {
      if (!column.isNullable) throw refuse(table, column.name, "is missing, and has no value to begin with");
      database.exec(`ALTER TABLE ${sqlName(table)} ADD COLUMN ${declaration(column)}`);
    } else if (found["type"] !== column.type || (found["notnull"] === 0) !== column.isNullable) {
      throw refuse(table, column.name, "is declared differently");
    }
  }
  for (const name of present.keys()) {
    throw refuse(table, String(name), "is unknown: a newer heed has written it. Update @heed/sqlite");
  }
}

/**
 * Makes the tables, or brings those of an earlier version forward: missing tables, nullable columns and
 * indexes are added. Does nothing where nothing is missing. Belongs inside a transaction that writes.
 *
 * The version is kept in a table of its own: `user_version` belongs to the application, whose file it may be.
 *
 * @throws HeedError `storage-schema`, when the file was written by a newer or a foreign version
 */
export function migrate(database: DatabaseSync): void {
  if (isServed(database)) return;
  for (const table of tableNames) {
    bringForward(database, table);
    for (const statement of createIndexes(table)) database.exec(statement);
  }
  database.exec("CREATE TABLE IF NOT EXISTS heed_schema (fingerprint TEXT NOT NULL) STRICT");
  database.prepare("INSERT INTO heed_schema VALUES (?)").run(fingerprint);
}
