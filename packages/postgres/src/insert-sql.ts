import { checkRow, type TableName } from "@heed/core/storage";
import { columnsOf, definitionOf, identifier, list, sqlName, sqlType } from "./schema.ts";
import type { Statement } from "./session.ts";
import { asRecords, recordset, returning, taken, type AnyRow } from "./sql.ts";

/** Rows for one table; of those that are raised, no two have one key. */
export interface Insert {
  readonly table: TableName;
  readonly rows: readonly AnyRow[];
  /** What becomes of a row whose key is taken: see `conflictOf`. */
  readonly conflict: boolean | string;
}

/** Statements are made once for each shape: what a transaction inserts is nearly always of the same few. */
const texts = new Map<string, string>();

/**
 * Inserts whole rows into any number of tables, each named once, as one statement: no table refers to another.
 * @param isAnswered whether it returns the steps among them
 */
export function insertInto(schema: string, inserts: readonly Insert[], isAnswered: boolean): Statement {
  for (const { table, rows } of inserts) for (const row of rows) checkRow(table, row);
  // A statement returns what its last part returns.
  const parts = inserts.toSorted(stepsLast);
  const shape = parts.map(({ table, rows, conflict }) => `${table} ${isMany(rows)} ${conflict}`).join();
  const name = `${schema} ${isAnswered} ${shape}`;
  let sql = texts.get(name);
  if (sql === undefined) {
    sql = textOf(schema, parts, isAnswered);
    texts.set(name, sql);
  }
  return { sql, values: parts.flatMap(valuesOf) };
}

const stepsLast = (one: Insert, other: Insert): number =>
  Number(one.table === "steps") - Number(other.table === "steps");

/** One row has a value for each column; several travel as one. */
const isMany = (rows: readonly AnyRow[]): boolean => rows.length !== 1;

function valuesOf({ table, rows }: Insert): readonly unknown[] {
  const columns = Object.keys(definitionOf(table).columns);
  const [row] = rows;
  if (row === undefined || isMany(rows)) return [asRecords(columns, rows)];
  return columns.map((column) => {
    const value = row[column];
    return value instanceof Uint8Array ? Buffer.from(value) : value;
  });
}

function textOf(schema: string, parts: readonly Insert[], isAnswered: boolean): string {
  let places = 0;
  const all = parts.map((part) => {
    const text = partOf(schema, part, places) + (isAnswered ? returning(part.table) : "");
    places += isMany(part.rows) ? 1 : Object.keys(definitionOf(part.table).columns).length;
    return text;
  });
  const before = all.slice(0, -1).map((text, index) => `w${index} AS (${text})`);
  return `${before.length === 0 ? "" : `WITH ${before.join(", ")} `}${all.at(-1)}`;
}

/** @param before how many values of the statement come before its own */
function partOf(schema: string, { table, rows, conflict }: Insert, before: number): string {
  const { columns } = definitionOf(table);
  const source = isMany(rows)
    ? `SELECT ${Object.keys(columns)
        .map((column) => taken(table, column))
        .join(", ")} FROM ${recordset(table, Object.keys(columns), `$${before + 1}`)}`
    : `VALUES (${Object.values(columns)
        .map((type, index) => `$${before + index + 1}::${sqlType(type)}`)
        .join(", ")})`;
  return (
    `INSERT INTO ${sqlName(schema, table)} AS t (${columnsOf(table)}) ${source}` + onConflict(table, conflict)
  );
}

function onConflict(table: TableName, conflict: boolean | string): string {
  if (conflict === false) return "";
  const { columns, key } = definitionOf(table);
  if (conflict === true) return ` ON CONFLICT (${list(key)}) DO NOTHING`;
  const sets = Object.keys(columns).map((column) => `${identifier(column)} = excluded.${identifier(column)}`);
  const column = identifier(conflict);
  return ` ON CONFLICT (${list(key)}) DO UPDATE SET ${sets.join(", ")} WHERE t.${column} <= excluded.${column}`;
}
