import {
  checkRow,
  checkValue,
  columnType,
  type Condition,
  type Query,
  type Scalar,
  type TableName,
  type Where,
} from "@heed/core/storage";
import { columnsOf, definitionOf, identifier, list, sortKey, sqlName, sqlType } from "./schema.ts";
import type { Statement } from "./session.ts";

/** A row, seen without its table's type. */
export type AnyRow = Readonly<Record<string, unknown>>;

/** A column's name for SQL. @throws TypeError when the table has no such column */
function quoted(table: TableName, column: string): string {
  columnType(table, column);
  return identifier(column);
}

/**
 * Whether a query that asks for nulls is one that an index of those rows alone was made for. For any other the
 * planner must not see what it asks: while few rows are open it would begin at all that are, and go on with that
 * plan when they are a million.
 */
function leadsByNull(table: TableName, column: string, asked: Where): boolean {
  const indexes = definitionOf(table).whereNull?.[column] ?? [];
  return indexes.length === 0 || indexes.some(([leading = ""]) => Object.hasOwn(asked, leading));
}

/** Writes SQL, and numbers its values. */
export class Writer {
  readonly schema: string;
  readonly values: unknown[] = [];

  constructor(schema: string) {
    this.schema = schema;
  }

  /** The place of a value. */
  value(value: unknown, type: string): string {
    this.values.push(value);
    return `$${this.values.length}::${type}`;
  }

  #condition(table: TableName, column: string, condition: Condition, asked: Where): string {
    const name = quoted(table, column);
    const type = sqlType(columnType(table, column));
    const checked = (value: Scalar): Scalar => {
      if (value === null) throw new TypeError(`${table}.${column} equals no null; ask with isNull.`);
      checkValue(table, column, value);
      return value;
    };
    if (Array.isArray(condition)) {
      const values = condition.map((value: Scalar) => checked(value));
      return `${name} = ANY (${this.value(values, `${type}[]`)})`;
    }
    if (typeof condition !== "object" || condition === null) {
      return `${name} = ${this.value(checked(condition), type)}`;
    }
    if ("via" in condition) {
      const from = sqlName(this.schema, condition.via);
      const values = quoted(condition.via, condition.column);
      // An array is read once, before the rows: with IN the planner may begin at the rows, and look at each.
      return `${name} = ANY (ARRAY(SELECT ${values} FROM ${from}${this.where(condition.via, condition.where)}))`;
    }
    if ("isNull" in condition) {
      if (!condition.isNull) return `${name} IS NOT NULL`;
      return leadsByNull(table, column, asked) ? `${name} IS NULL` : `num_nulls(${name}) = 1`;
    }
    if ("atMost" in condition) return `${name} <= ${this.value(checked(condition.atMost), type)}`;
    if ("above" in condition) return `${name} > ${this.value(checked(condition.above), type)}`;
    throw new TypeError(`The condition on ${table}.${column} is none that a query knows.`);
  }

  /** ` WHERE …`, or nothing. */
  where(table: TableName, where: Where): string {
    const conditions = Object.entries(where).map(([column, condition]) =>
      this.#condition(table, column, condition, where),
    );
    return conditions.length === 0 ? "" : ` WHERE ${conditions.join(" AND ")}`;
  }

  /** The rows of a query, with every column of its table. */
  select({ from, where, orderBy = [], limit }: Query): string {
    const columns = columnsOf(from);
    const sorted = orderBy.map((column) => sortKey(quoted(from, column), columnType(from, column)));
    if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 0)) {
      throw new TypeError("A query's limit is a whole number, zero or more.");
    }
    return (
      `SELECT ${columns} FROM ${sqlName(this.schema, from)}${this.where(from, where)}` +
      (sorted.length === 0 ? "" : ` ORDER BY ${sorted.join(", ")}`) +
      (limit === undefined ? "" : ` LIMIT ${this.value(limit, "bigint")}`)
    );
  }

  /** The statement that came of it. */
  statement(sql: string): Statement {
    return { sql, values: this.values };
  }
}

/** Bytes travel as hexadecimal text where a row travels as JSON. */
function asJson(value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value;
}

/** What the transaction wants to know of each step that a statement touched. */
const touched = ` RETURNING "id", "namespace", "processor", "state", "lane", "dueAt", "leaseUntil"`;

function returning(table: TableName): string {
  return table === "steps" ? touched : "";
}

/** Rows as one parameter: one statement for any number of them. */
function recordset(
  writer: Writer,
  table: TableName,
  columns: readonly string[],
  rows: readonly AnyRow[],
  as: string,
): string {
  const definition = definitionOf(table).columns;
  const declared = columns.map((column) => {
    const type = sqlType(definition[column] ?? "text");
    return `${identifier(column)} ${type === "bytea" ? "text" : type}`;
  });
  const given = rows.map((row) => Object.fromEntries(columns.map((column) => [column, asJson(row[column])])));
  return `json_to_recordset(${writer.value(JSON.stringify(given), "json")}) AS ${as} (${declared.join(", ")})`;
}

/** A column of such a recordset, as the table takes it. */
function taken(table: TableName, column: string, from: string): string {
  const name = `${from}.${identifier(column)}`;
  return columnType(table, column).startsWith("bytes") ? `decode(${name}, 'hex')` : name;
}

const insertTexts = new Map<string, string>();

/** The text that inserts one row: what most transactions do, so it is made once. */
function insertText(schema: string, table: TableName, orKeep: boolean): string {
  const name = `${schema} ${table} ${orKeep}`;
  const known = insertTexts.get(name);
  if (known !== undefined) return known;
  const { columns, key } = definitionOf(table);
  const places = Object.values(columns).map((type, index) => `$${index + 1}::${sqlType(type)}`);
  const text =
    `INSERT INTO ${sqlName(schema, table)} (${columnsOf(table)}) VALUES (${places.join(", ")})` +
    (orKeep ? ` ON CONFLICT (${list(key)}) DO NOTHING` : "") +
    returning(table);
  insertTexts.set(name, text);
  return text;
}

/** Inserts one whole row; `orKeep` keeps the one that has its key, and excuses no other rule. */
export function insertRow(schema: string, table: TableName, row: AnyRow, orKeep: boolean): Statement {
  checkRow(table, row);
  const values = Object.keys(definitionOf(table).columns).map((column) => {
    const value = row[column];
    return value instanceof Uint8Array ? Buffer.from(value) : value;
  });
  return { sql: insertText(schema, table, orKeep), values };
}

/** Inserts whole rows; `orKeep` keeps those that have their key, and excuses no other rule. */
export function insertRows(
  schema: string,
  table: TableName,
  rows: readonly AnyRow[],
  orKeep: boolean,
): Statement {
  const { columns: definition, key } = definitionOf(table);
  for (const row of rows) checkRow(table, row);
  const columns = Object.keys(definition);
  const writer = new Writer(schema);
  return writer.statement(
    `INSERT INTO ${sqlName(schema, table)} (${list(columns)})` +
      ` SELECT ${columns.map((column) => taken(table, column, "r")).join(", ")}` +
      ` FROM ${recordset(writer, table, columns, rows, "r")}` +
      (orKeep ? ` ON CONFLICT (${list(key)}) DO NOTHING` : "") +
      returning(table),
  );
}

/** Sets the same columns of several rows, each found by its key. */
export function updateRows(
  schema: string,
  table: TableName,
  rows: readonly { readonly key: AnyRow; readonly set: AnyRow }[],
): Statement {
  const { key } = definitionOf(table);
  const columns = Object.keys(rows[0]?.set ?? {});
  const given = rows.map((row) => ({ ...row.key, ...row.set }));
  for (const row of given) {
    for (const [column, value] of Object.entries(row)) checkValue(table, column, value);
  }
  const writer = new Writer(schema);
  const source = recordset(writer, table, [...key, ...columns], given, "r");
  const assignments = columns.map((column) => `${identifier(column)} = ${taken(table, column, "r")}`);
  const found = key.map((column) => `t.${identifier(column)} = r.${identifier(column)}`);
  return writer.statement(
    `UPDATE ${sqlName(schema, table)} AS t SET ${assignments.join(", ")} FROM ${source}` +
      ` WHERE ${found.join(" AND ")}${returning(table).replaceAll(' "', ' t."')}`,
  );
}

/** Sets columns of whatever rows match. */
export function updateWhere(schema: string, table: TableName, where: Where, set: AnyRow): Statement {
  const writer = new Writer(schema);
  const assignments = Object.entries(set).map(([column, value]) => {
    checkValue(table, column, value);
    return `${identifier(column)} = ${writer.value(value, sqlType(columnType(table, column)))}`;
  });
  return writer.statement(
    `UPDATE ${sqlName(schema, table)} SET ${assignments.join(", ")}${writer.where(table, where)}${returning(table)}`,
  );
}

/** Removes whatever rows match. */
export function removeWhere(schema: string, table: TableName, where: Where): Statement {
  const writer = new Writer(schema);
  return writer.statement(
    `DELETE FROM ${sqlName(schema, table)}${writer.where(table, where)}${returning(table)}`,
  );
}
