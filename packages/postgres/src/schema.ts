import { createHash } from "node:crypto";
import { indexesOf, tables, type ColumnType, type TableDefinition, type TableName } from "@heed/core/storage";

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Object.keys forgets the names of a constant
export const tableNames = Object.keys(tables) as readonly TableName[];

/** A name as PostgreSQL takes it, whatever stands in it. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** @throws TypeError when heed has no such table */
export function definitionOf(table: TableName): TableDefinition {
  if (!Object.hasOwn(tables, table)) throw new TypeError(`There is no table ${table}.`);
  return tables[table];
}

/** A table's name in SQL. */
export function sqlName(schema: string, table: TableName | PrivateTable): string {
  return `${identifier(schema)}.${identifier(table)}`;
}

/**
 * Tables of the storage's own: `heed_schema` says which versions it serves, and which installation it is;
 * `heed_unscrubbed` has a row for every transaction that removed a secret, until the bytes are gone.
 */
type PrivateTable = "heed_schema" | "heed_unscrubbed";

/** Column types without their question mark, in PostgreSQL's words. Text compares by code point. */
const types = {
  text: { type: "text", declared: `text COLLATE "C"`, none: "''" },
  integer: { type: "bigint", declared: "bigint", none: "0" },
  bytes: { type: "bytea", declared: "bytea", none: "''" },
} as const;

/** A column's type: `text`, `bigint` or `bytea`. */
export function sqlType(type: ColumnType): "text" | "bigint" | "bytea" {
  return kindOf(type).type;
}

function kindOf(type: ColumnType): (typeof types)[keyof typeof types] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a column type without its question mark
  return types[type.replace("?", "") as keyof typeof types];
}

/** A column as PostgreSQL declares it. The default is for the workers of a version that does not know it yet. */
export function declaration(name: string, type: ColumnType): string {
  const { declared, none } = kindOf(type);
  return `${identifier(name)} ${declared}${type.endsWith("?") ? "" : ` NOT NULL DEFAULT ${none}`}`;
}

/** The statement that makes a table. */
export function createTable(schema: string, table: TableName): string {
  const { columns, key } = definitionOf(table);
  const declared = Object.entries(columns).map(([name, type]) => declaration(name, type));
  return `CREATE TABLE ${sqlName(schema, table)} (${declared.join(", ")}, PRIMARY KEY (${list(key)}))`;
}

/** ANALYZE would copy sampled values into `pg_statistic`, where no scrub reaches them. */
export function keepOutOfStatistics(schema: string, table: TableName): readonly string[] {
  const { columns, secret } = definitionOf(table);
  if (secret !== true) return [];
  return Object.keys(columns).map(
    (column) => `ALTER TABLE ${sqlName(schema, table)} ALTER COLUMN ${identifier(column)} SET STATISTICS 0`,
  );
}

/**
 * A column as rows and indexes are sorted by it: null comes first. PostgreSQL reads rows in the order of an index
 * only where both say the same, and does not conclude that a column without nulls sorts the same either way.
 */
export function sortKey(name: string, type: ColumnType): string {
  return type.endsWith("?") ? `${name} NULLS FIRST` : name;
}

/** An index by its name, and the statement that makes it. */
export interface Index {
  readonly name: string;
  readonly create: string;
}

/** Every index that a table needs beside its key. */
export function namedIndexes(schema: string, table: TableName): readonly Index[] {
  const { columns: types } = definitionOf(table);
  return indexesOf(table).map((index) => {
    const name = `${table}_${index.name}`;
    const keys = index.columns.map((column) => sortKey(identifier(column), types[column] ?? "text"));
    const { isUnique, only } = index;
    const rows =
      only === undefined ? "" : ` WHERE ${identifier(only.column)} IS ${only.isNull ? "" : "NOT "}NULL`;
    const kind = isUnique ? "UNIQUE INDEX" : "INDEX";
    return {
      name,
      create: `CREATE ${kind} ${identifier(name)} ON ${sqlName(schema, table)} (${keys.join(", ")})${rows}`,
    };
  });
}

/** Names in a row: `"a", "b"`. */
export function list(columns: readonly string[]): string {
  return columns.map((column) => identifier(column)).join(", ");
}

/** Every column of each table, in a row: a part of nearly every statement. */
const allColumns: ReadonlyMap<TableName, string> = new Map(
  tableNames.map((table) => [table, list(Object.keys(tables[table].columns))]),
);

/** Every column of a table, in a row. @throws TypeError when heed has no such table */
export function columnsOf(table: TableName): string {
  return allColumns.get(table) ?? list(Object.keys(definitionOf(table).columns));
}

/** The statements that make the storage's own tables. */
export function createPrivateTables(schema: string): readonly string[] {
  return [
    `CREATE TABLE IF NOT EXISTS ${sqlName(schema, "heed_schema")} (fingerprint text NOT NULL, installation uuid NOT NULL)`,
    `CREATE TABLE IF NOT EXISTS ${sqlName(schema, "heed_unscrubbed")} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)`,
  ];
}

/** Stands for the whole schema: a database that carries it needs nothing done. */
export const fingerprint: string = createHash("sha256")
  .update(
    JSON.stringify([
      createPrivateTables("s"),
      ...tableNames.map((table) => [createTable("s", table), namedIndexes("s", table)]),
    ]),
  )
  .digest("hex");
