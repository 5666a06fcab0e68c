import { tables, type ColumnType, type TableName } from "../contract/tables.ts";

/** Whether a value may stand in a column. Integers are safe ones, so that every storage reads them back. */
export function fits(type: ColumnType, value: unknown): boolean {
  if (value === null) return type.endsWith("?");
  if (type.startsWith("text")) return typeof value === "string";
  if (type.startsWith("integer")) return Number.isSafeInteger(value);
  return value instanceof Uint8Array;
}

/** What a column holds. @throws TypeError when heed has no such table, or the table no such column */
export function columnType(table: TableName, column: string): ColumnType {
  if (!Object.hasOwn(tables, table)) throw new TypeError(`There is no table ${table}.`);
  const columns: Readonly<Record<string, ColumnType>> = tables[table].columns;
  const type = Object.hasOwn(columns, column) ? columns[column] : undefined;
  if (type === undefined) throw new TypeError(`${table} has no column ${column}.`);
  return type;
}

/**
 * Refuses what does not fit its column: a mistake in the calling code. The value is not quoted.
 *
 * @throws TypeError when the column does not exist or holds another type
 */
export function checkValue(table: TableName, column: string, value: unknown): void {
  const type = columnType(table, column);
  if (!fits(type, value))
    throw new TypeError(`${table}.${column} takes ${type}; the value is something else.`);
}

/** Refuses a row that is not whole. @throws TypeError unless the row has exactly the table's columns, each with a value that fits */
export function checkRow(table: TableName, row: Readonly<Record<string, unknown>>): void {
  for (const column of Object.keys(tables[table].columns)) checkValue(table, column, row[column]);
  for (const column of Object.keys(row)) columnType(table, column);
}
