import type { SQLInputValue } from "node:sqlite";
import {
  tables,
  type ColumnType,
  type Condition,
  type Query,
  type Scalar,
  type TableName,
  type Where,
} from "@heed/core/storage";
import { bound, columnList, fitted, quoted } from "./columns.ts";
import type { Statement } from "./connection.ts";
import { columnsOf, sqlName, staysInPlace } from "./schema.ts";

/** A row, seen without its table's type. */
export type AnyRow = Readonly<Record<string, SQLInputValue>>;

/** The text of one condition; its values are added to `parameters`. */
function conditionSql(
  table: TableName,
  column: string,
  condition: Condition,
  parameters: SQLInputValue[],
): string {
  const name = quoted(table, column);
  const checked = (value: Scalar): SQLInputValue => {
    if (value === null) throw new TypeError(`${table}.${column} equals no null; ask with isNull.`);
    return bound(table, column, value);
  };
  if (Array.isArray(condition)) {
    // One parameter however long the list: one statement for all lengths, and no limit on them.
    parameters.push(JSON.stringify(condition.map((value: Scalar) => checked(value))));
    return `${name} IN (SELECT value FROM json_each(?))`;
  }
  if (typeof condition !== "object" || condition === null) {
    parameters.push(checked(condition));
    return `${name} = ?`;
  }
  if ("via" in condition) {
    const values = quoted(condition.via, condition.column);
    const where = whereSql(condition.via, condition.where, parameters);
    return `${name} IN (SELECT ${values} FROM ${sqlName(condition.via)}${where})`;
  }
  if ("isNull" in condition) return `${name} IS ${condition.isNull ? "" : "NOT "}NULL`;
  if ("atMost" in condition) {
    parameters.push(checked(condition.atMost));
    return `${name} <= ?`;
  }
  if ("above" in condition) {
    parameters.push(checked(condition.above));
    return `${name} > ?`;
  }
  throw new TypeError(`The condition on ${table}.${column} is none that a query knows.`);
}

function whereSql(table: TableName, where: Where, parameters: SQLInputValue[]): string {
  const conditions = Object.entries(where).map(([column, condition]) =>
    conditionSql(table, column, condition, parameters),
  );
  if (staysInPlace(table)) conditions.unshift(`"gone" = 0`);
  return conditions.length === 0 ? "" : ` WHERE ${conditions.join(" AND ")}`;
}

/** Reads the rows of a query. */
export function select({ from, where, orderBy = [], limit }: Query): Statement {
  const parameters: SQLInputValue[] = [];
  let sql = `SELECT ${columnList(from)} FROM ${sqlName(from)}${whereSql(from, where, parameters)}`;
  if (orderBy.length > 0) sql += ` ORDER BY ${orderBy.map((column) => quoted(from, column)).join(", ")}`;
  if (limit !== undefined) {
    if (!(Number.isSafeInteger(limit) && limit >= 0)) {
      throw new TypeError("A query's limit is a whole number, zero or more.");
    }
    sql += " LIMIT ?";
    parameters.push(limit);
  }
  return { sql, parameters };
}

interface InsertShape {
  readonly columns: ReadonlyMap<string, ColumnType>;
  readonly always: string;
  readonly orKeep: string;
  /** Its condition, which the column makes, is left to add. */
  readonly orRaise: string;
}

const insertShapes = new Map<TableName, InsertShape>();

/** The texts of a table's inserts, made once: a bulk runs them by the million. */
function insertShape(table: TableName): InsertShape {
  const known = insertShapes.get(table);
  if (known !== undefined) return known;
  const columns = new Map(Object.entries(columnsOf(table)));
  const inPlace = staysInPlace(table);
  const key = tables[table].key.map((column) => `"${column}"`).join(", ");
  const always =
    `INSERT INTO ${sqlName(table)} (${columnList(table)}${inPlace ? `, "gone"` : ""})` +
    ` VALUES (${[...columns].map(() => "?").join(", ")}${inPlace ? ", 0" : ""})`;
  const orKeep = `${always} ON CONFLICT (${key})${inPlace ? ` WHERE "gone" = 0` : ""} DO NOTHING`;
  const sets = columnList(table)
    .split(", ")
    .map((column) => `${column} = excluded.${column}`);
  const orRaise = `${always} ON CONFLICT (${key}) DO UPDATE SET ${sets.join(", ")} WHERE `;
  const shape = { columns, always, orKeep, orRaise };
  insertShapes.set(table, shape);
  return shape;
}

/** Inserts a whole row. @param conflict what becomes of the one that has its key: see `conflictOf` */
export function insert(table: TableName, row: AnyRow, conflict: boolean | string): Statement {
  const { columns, always, orKeep, orRaise } = insertShape(table);
  for (const column in row) if (!columns.has(column)) quoted(table, column);
  const parameters: SQLInputValue[] = [];
  for (const [column, type] of columns) parameters.push(fitted(table, column, type, row[column]));
  if (typeof conflict === "boolean") return { sql: conflict ? orKeep : always, parameters };
  return { sql: `${orRaise}${sqlName(table)}."${conflict}" <= excluded."${conflict}"`, parameters };
}

/** Beginnings of updates by the columns that they set, made once: a worker runs the same few for every step. */
const updateShapes = new Map<string, string>();

/** Sets columns of the rows that match. */
export function update(table: TableName, where: Where, set: AnyRow): Statement {
  const parameters: SQLInputValue[] = [];
  let shape: string = table;
  for (const column in set) {
    parameters.push(bound(table, column, set[column]));
    shape += ` ${column}`;
  }
  let sql = updateShapes.get(shape);
  if (sql === undefined) {
    const assignments = Object.keys(set).map((column) => `${quoted(table, column)} = ?`);
    sql = `UPDATE ${sqlName(table)} SET ${assignments.join(", ")}`;
    updateShapes.set(shape, sql);
  }
  return { sql: sql + whereSql(table, where, parameters), parameters };
}

/** Removes the rows that match, or, where rows stay in place, writes zeros of the same length over them. */
export function remove(table: TableName, where: Where): Statement {
  const parameters: SQLInputValue[] = [];
  const matching = whereSql(table, where, parameters);
  if (!staysInPlace(table)) return { sql: `DELETE FROM ${sqlName(table)}${matching}`, parameters };
  const zeros = Object.entries(columnsOf(table)).map(([column, type]) => {
    const length = `zeroblob(length(CAST("${column}" AS BLOB)))`;
    return `"${column}" = ${type.startsWith("bytes") ? length : `replace(hex(${length}), '00', '0')`}`;
  });
  return { sql: `UPDATE ${sqlName(table)} SET "gone" = 1, ${zeros.join(", ")}${matching}`, parameters };
}
