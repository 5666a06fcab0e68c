import {
  checkValue,
  columnType,
  type Condition,
  type Query,
  type Scalar,
  type TableName,
  type Via,
  type Where,
} from "@heed/core/storage";
import { columnsOf, definitionOf, identifier, sortKey, sqlName, sqlType } from "./schema.ts";
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
  /** Values of other tables, by what asks for them: reads of one statement often ask for the same ones. */
  readonly #found = new Map<Via, string>();

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
      // An array is read once, before the rows: with IN the planner may begin at the rows, and look at each.
      return `${name} = ANY (${this.#found.get(condition) ?? this.#arrayOf(condition)})`;
    }
    if ("isNull" in condition) {
      if (!condition.isNull) return `${name} IS NOT NULL`;
      return leadsByNull(table, column, asked) ? `${name} IS NULL` : `num_nulls(${name}) = 1`;
    }
    if ("atMost" in condition) return `${name} <= ${this.value(checked(condition.atMost), type)}`;
    if ("above" in condition) return `${name} > ${this.value(checked(condition.above), type)}`;
    throw new TypeError(`The condition on ${table}.${column} is none that a query knows.`);
  }

  #arrayOf({ via, column, where }: Via): string {
    return `ARRAY(SELECT ${quoted(via, column)} FROM ${sqlName(this.schema, via)}${this.where(via, where)})`;
  }

  /**
   * ` FROM …`: the values of other tables that these queries ask for, each read once; or nothing. They are what one
   * object asks for, wherever it stands.
   */
  fromVias(queries: readonly Query[]): string {
    const sources: string[] = [];
    const find = (where: Where): void => {
      for (const condition of Object.values(where)) {
        const asksOthers = typeof condition === "object" && condition !== null && "via" in condition;
        if (!asksOthers || this.#found.has(condition)) continue;
        // What it asks for itself comes before it.
        find(condition.where);
        const name = `v${sources.length}`;
        // OFFSET keeps the planner from putting it back into each place that asks.
        sources.push(`LATERAL (SELECT ${this.#arrayOf(condition)} AS ids OFFSET 0) AS ${name}`);
        this.#found.set(condition, `${name}.ids`);
      }
    };
    for (const { where } of queries) find(where);
    return sources.length === 0 ? "" : ` FROM ${sources.join(", ")}`;
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

export function returning(table: TableName): string {
  return table === "steps" ? touched : "";
}

/** Rows as one value: one statement for any number of them. See {@link recordset}. */
export function asRecords(columns: readonly string[], rows: readonly AnyRow[]): string {
  return JSON.stringify(
    rows.map((row) => Object.fromEntries(columns.map((column) => [column, asJson(row[column])]))),
  );
}

/** The rows `r` of such a value. @param place `$1` */
export function recordset(table: TableName, columns: readonly string[], place: string): string {
  const definition = definitionOf(table).columns;
  const declared = columns.map((column) => {
    const type = sqlType(definition[column] ?? "text");
    return `${identifier(column)} ${type === "bytea" ? "text" : type}`;
  });
  return `json_to_recordset(${place}::json) AS r (${declared.join(", ")})`;
}

/** A column of such a recordset, as the table takes it. */
export function taken(table: TableName, column: string): string {
  const name = `r.${identifier(column)}`;
  return columnType(table, column).startsWith("bytes") ? `decode(${name}, 'hex')` : name;
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
  const all = [...key, ...columns];
  const assignments = columns.map((column) => `${identifier(column)} = ${taken(table, column)}`);
  const found = key.map((column) => `t.${identifier(column)} = r.${identifier(column)}`);
  const sql =
    `UPDATE ${sqlName(schema, table)} AS t SET ${assignments.join(", ")} FROM ${recordset(table, all, "$1")}` +
    ` WHERE ${found.join(" AND ")}${returning(table).replaceAll(' "', ' t."')}`;
  return { sql, values: [asRecords(all, given)] };
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
