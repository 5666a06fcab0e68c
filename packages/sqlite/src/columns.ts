import type { SQLInputValue } from "node:sqlite";
import { columnType, fits, type ColumnType, type TableName } from "@heed/core/storage";
import { columnsOf } from "./schema.ts";

/**
 * A column's name for SQL, where it stands as it is.
 *
 * @throws TypeError when the table has no such column
 */
export function quoted(table: TableName, column: string): string {
  columnType(table, column);
  return `"${column}"`;
}

/** node:sqlite 22 binds empty bytes without memory behind them as NULL. */
const noBytes = new Uint8Array(new ArrayBuffer(1), 0, 0);

/**
 * A value as the column takes it. SQLite by itself would turn `5` into `"5"`, and back.
 *
 * @throws TypeError when there is no such column, or it is of another type. The value is not quoted.
 */
export function bound(table: TableName, column: string, value: unknown): SQLInputValue {
  return fitted(table, column, columnType(table, column), value);
}

/** {@link bound}, for a column whose type is known. */
export function fitted(table: TableName, column: string, type: ColumnType, value: unknown): SQLInputValue {
  if (fits(type, value)) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what fits a column is text, a number, bytes or null
    return value instanceof Uint8Array && value.length === 0 ? noBytes : (value as SQLInputValue);
  }
  throw new TypeError(`${table}.${column} takes ${type}; the value is something else.`);
}

/** All columns of a table, in its order. */
export function columnList(table: TableName): string {
  return Object.keys(columnsOf(table))
    .map((column) => `"${column}"`)
    .join(", ");
}
