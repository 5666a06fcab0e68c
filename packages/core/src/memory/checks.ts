import type { Write } from "../contract/storage.ts";
import { tables, type ColumnType, type TableDefinition, type TableName } from "../contract/tables.ts";

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

/**
 * What an insert does where its key is taken: `true` keeps the row that is there, a column's name replaces it unless it
 * is higher there.
 *
 * @throws TypeError when no row of the table can be raised by that column
 */
export function conflictOf({
  insert: table,
  orKeep,
  orRaise,
}: Extract<Write, { insert: TableName }>): boolean | string {
  if (orRaise === undefined) return orKeep === true;
  const type = columnType(table, orRaise);
  const { key, secret }: TableDefinition = tables[table];
  const isComparable = type === "text" || type === "integer";
  if (!isComparable || secret === true || key.includes(orRaise) || orKeep === true)
    throw new TypeError(`A row of ${table} cannot be raised by ${orRaise}.`);
  return orRaise;
}

/** Refuses a row that is not whole. @throws TypeError unless the row has exactly the table's columns, each with a value that fits */
export function checkRow(table: TableName, row: Readonly<Record<string, unknown>>): void {
  const columns = Object.entries(tables[table].columns);
  for (const [column, type] of columns) if (!fits(type, row[column])) checkValue(table, column, row[column]);
  const names = Object.keys(row);
  if (names.length > columns.length) for (const name of names) columnType(table, name);
}
