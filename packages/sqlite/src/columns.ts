import type { SQLInputValue } from "node:sqlite";
import type { ColumnType, TableName } from "@heed/core/storage";
import { columnsOf } from "./schema.ts";

function typeOf(table: TableName, column: string): ColumnType {
  const columns = columnsOf(table);
  const type = Object.hasOwn(columns, column) ? columns[column] : undefined;
  if (type === undefined) throw new TypeError(`${table} has no column ${column}.`);
  return type;
}

/**
 * A column's name for SQL, where it stands as it is.
 *
 * @throws TypeError when the table has no such column
 */
export function quoted(table: TableName, column: string): string {
  typeOf(table, column);
  return `"${column}"`;
}

/** node:sqlite 22 binds empty bytes without memory behind them as NULL. */
const noBytes = new Uint8Array(new ArrayBuffer(1), 0, 0);

function fits(type: ColumnType, value: unknown): value is SQLInputValue {
  if (value === null) return type.endsWith("?");
  if (type.startsWith("text")) return typeof value === "string";
  if (type.startsWith("integer")) return Number.isSafeInteger(value);
  return value instanceof Uint8Array;
}

/**
 * A value as the column takes it. SQLite by itself would turn `5` into `"5"`, and back.
 *
 * @throws TypeError when there is no such column, or it is of another type. The value is not quoted.
 */
export function bound(table: TableName, column: string, value: unknown): SQLInputValue {
  return fitted(table, column, typeOf(table, column), value);
}

/** {@link bound}, for a column whose type is known. */
export function fitted(table: TableName, column: string, type: ColumnType, value: unknown): SQLInputValue {
  if (fits(type, value)) return value instanceof Uint8Array && value.length === 0 ? noBytes : value;
  throw new TypeError(`${table}.${column} takes ${type}; the value is something else.`);
}

/** All columns of a table, in its order. */
export function columnList(table: TableName): string {
  return Object.keys(columnsOf(table))
    .map((column) => `"${column}"`)
    .join(", ");
}
