import type { Condition, Query, Scalar, Where } from "../contract/storage.ts";
import type { TableName } from "../contract/tables.ts";
import { checkValue, columnType } from "./checks.ts";
import type { MemoryTable } from "./memory-table.ts";
import { compare, type StoredRow, type Value } from "./stored-row.ts";

/** Every table of one storage, by name. */
export type MemoryTables = ReadonlyMap<TableName, MemoryTable>;

/** @throws TypeError when heed has no such table */
export function tableOf(all: MemoryTables, name: TableName): MemoryTable {
  const table = all.get(name);
  if (table === undefined) throw new TypeError(`There is no table ${name}.`);
  return table;
}

/** A condition with its `via` looked up: the values it allows, where it names them, and the test itself. */
interface Resolved {
  readonly equals?: ReadonlySet<Value>;
  holds(value: Value): boolean;
}

function oneOf(values: Iterable<Value>): Resolved {
  const equals = new Set(values);
  return { equals, holds: (value) => value !== null && equals.has(value) };
}

function resolve(all: MemoryTables, table: TableName, column: string, condition: Condition): Resolved {
  const checked = (value: Scalar): Scalar => {
    if (value === null) throw new TypeError(`${table}.${column} equals no null; ask with isNull.`);
    checkValue(table, column, value);
    return value;
  };
  if (Array.isArray(condition)) return oneOf(condition.map((value: Scalar) => checked(value)));
  if (typeof condition !== "object" || condition === null) return oneOf([checked(condition)]);
  columnType(table, column);
  if ("via" in condition) {
    columnType(condition.via, condition.column);
    return oneOf(matching(all, condition.via, condition.where).map((row) => row[condition.column] ?? null));
  }
  if ("atMost" in condition) {
    const limit = checked(condition.atMost);
    return { holds: (value) => value !== null && compare(value, limit) <= 0 };
  }
  if ("above" in condition) {
    const limit = checked(condition.above);
    return { holds: (value) => compare(value, limit) > 0 };
  }
  if ("isNull" in condition) return { holds: (value) => (value === null) === condition.isNull };
  throw new TypeError(`The condition on ${table}.${column} is none that a query knows.`);
}

/** The stored rows, not copies, for which all conditions hold. */
export function matching(all: MemoryTables, from: TableName, where: Where): readonly StoredRow[] {
  const conditions = Object.entries(where).map(
    ([column, condition]) => [column, resolve(all, from, column, condition)] as const,
  );
  const equals = new Map<string, ReadonlySet<Value>>();
  for (const [column, condition] of conditions) {
    if (condition.equals !== undefined) equals.set(column, condition.equals);
  }
  return tableOf(all, from)
    .candidates(equals)
    .filter((row) => conditions.every(([column, condition]) => condition.holds(row[column] ?? null)));
}

/** Orders rows by columns, ascending. */
export function by(columns: readonly string[]): (one: StoredRow, other: StoredRow) => number {
  return (one, other) => {
    const differing = columns.find((column) => one[column] !== other[column]);
    return differing === undefined ? 0 : compare(one[differing] ?? null, other[differing] ?? null);
  };
}

/** The stored rows that a query asks for, in its order. */
export function select(all: MemoryTables, query: Query): readonly StoredRow[] {
  const { from, where, orderBy = [], limit } = query;
  for (const column of orderBy) columnType(from, column);
  if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 0)) {
    throw new TypeError("A query's limit is a whole number, zero or more.");
  }
  const above = onlyAbove(from, query);
  if (above !== undefined && limit !== undefined)
    return tableOf(all, from).above(above.column, above.value, limit);
  const found = matching(all, from, where).toSorted(by(orderBy));
  return limit === undefined ? found : found.slice(0, limit);
}

/** The value behind which the query wants the first rows, when that is all it asks. */
function onlyAbove(
  from: TableName,
  { where, orderBy = [] }: Query,
): { readonly column: string; readonly value: Scalar } | undefined {
  const conditions: readonly (readonly [string, Condition])[] = Object.entries(where);
  const [first] = conditions;
  if (first === undefined || conditions.length > 1 || orderBy.length !== 1) return undefined;
  const [column, condition] = first;
  if (typeof condition !== "object" || !("above" in condition) || orderBy[0] !== column) return undefined;
  checkValue(from, column, condition.above);
  return { column, value: condition.above };
}
