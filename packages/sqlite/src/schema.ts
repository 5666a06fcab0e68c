import { createHash } from "node:crypto";
import {
  indexesOf,
  tables,
  type ColumnType,
  type TableDefinition,
  type TableIndex,
  type TableName,
} from "@heed/core/storage";

/**
 * Whether rows of this table stay where they are: the destroyed bytes of a `secret` table must be gone.
 *
 * `secure_delete` zeroes a deleted row, but when SQLite later balances a page, the place that a row has moved
 * away from can keep a copy of it, which no later delete reaches. So a row of such a table never moves: rows
 * are only appended, and a removed one is overwritten where it stands, at its own length, and stays as an
 * empty seat. SQLite overwrites a record of equal length in place (`btreeOverwriteCell` in its `btree.c`).
 */
export function staysInPlace(table: TableName): boolean {
  const definition: TableDefinition = tables[table];
  return definition.secret === true;
}

/**
 * Tables whose rows lie in the index of their key: small rows, looked up by that key, written once. A page less
 * for each to write at every commit. Rows that are wide or often changed are better off beside their index.
 */
const lieInKey: ReadonlySet<TableName> = new Set([
  "subjects",
  "identifiers",
  "events",
  "suppressions",
  "limits",
  "journalMarks",
]);

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Object.keys forgets the names of a constant
export const tableNames = Object.keys(tables) as readonly TableName[];

/** The table's name in the file. It carries heed's, for the file may be the application's own. */
export function sqlName(table: TableName): string {
  return `"heed_${table}"`;
}

/** @throws TypeError when heed has no such table */
export function columnsOf(table: TableName): Readonly<Record<string, ColumnType>> {
  if (!Object.hasOwn(tables, table)) throw new TypeError(`There is no table ${table}.`);
  return tables[table].columns;
}

/** A column as SQLite declares it. */
export interface SqlColumn {
  readonly name: string;
  readonly type: "TEXT" | "INTEGER" | "BLOB";
  readonly isNullable: boolean;
}

const sqlTypes = { text: "TEXT", integer: "INTEGER", bytes: "BLOB" } as const;

export function sqlColumns(table: TableName): readonly SqlColumn[] {
  const columns = Object.entries(columnsOf(table)).map(([name, type]) => ({
    name,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a column type without its question mark
    type: sqlTypes[type.replace("?", "") as keyof typeof sqlTypes],
    isNullable: type.endsWith("?"),
  }));
  return staysInPlace(table) ? [...columns, { name: "gone", type: "INTEGER", isNullable: false }] : columns;
}

export function declaration({ name, type, isNullable }: SqlColumn): string {
  return `"${name}" ${type}${isNullable ? "" : " NOT NULL"}`;
}

/** The statement that makes a table. */
export function createTable(table: TableName): string {
  const columns = sqlColumns(table).map((column) => declaration(column));
  if (staysInPlace(table)) columns.unshift(`"seat" INTEGER PRIMARY KEY`);
  const definition = tables[table];
  if (lieInKey.has(table)) columns.push(`PRIMARY KEY (${listed(definition.key)})`);
  return `CREATE TABLE ${sqlName(table)} (${columns.join(", ")}) STRICT${lieInKey.has(table) ? ", WITHOUT ROWID" : ""}`;
}

const listed = (columns: readonly string[]): string => columns.map((column) => `"${column}"`).join(", ");

function createIndex(table: TableName, { name, columns, isUnique, only }: TableIndex): string {
  const conditions = [
    ...(staysInPlace(table) ? [`"gone" = 0`] : []),
    ...(only === undefined ? [] : [`"${only.column}" IS ${only.isNull ? "" : "NOT "}NULL`]),
  ];
  return (
    `CREATE ${isUnique ? "UNIQUE INDEX" : "INDEX"} IF NOT EXISTS "heed_${table}_${name}"` +
    ` ON ${sqlName(table)} (${listed(columns)})` +
    (conditions.length === 0 ? "" : ` WHERE ${conditions.join(" AND ")}`)
  );
}

/** So that finding due steps costs the same however many wait: a processor's lane is read from its earliest on. */
const dueIndex = `CREATE INDEX IF NOT EXISTS "heed_steps_due" ON "heed_steps" ("namespace", "processor", "lane", "dueAt", "id") WHERE "state" = 'due'`;

/** The statements that make what indexes a table lacks. */
export function createIndexes(table: TableName): readonly string[] {
  const { key } = tables[table];
  const ofKey = { name: `one_${key.join("_")}`, columns: key, isUnique: true };
  return [
    ...(lieInKey.has(table) ? [] : [createIndex(table, ofKey)]),
    ...indexesOf(table).map((index) => createIndex(table, index)),
    ...(table === "steps" ? [dueIndex] : []),
  ];
}

/** Stands for the whole schema: a file that carries it needs nothing done. */
export const fingerprint: string = createHash("sha256")
  .update(JSON.stringify(tableNames.map((table) => [createTable(table), createIndexes(table)])))
  .digest("hex");
