import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from "node:sqlite";

/** SQL with the values that it is run with. */
export interface Statement {
  readonly sql: string;
  readonly parameters: readonly SQLInputValue[];
}

export type SqlRow = Record<string, SQLOutputValue>;

/** A statement that was compiled, and the names of the columns that it answers with. */
interface Prepared {
  readonly statement: StatementSync;
  readonly columns: readonly string[];
}

/** A database with its prepared statements: each shape of a query is compiled once. */
export class Connection {
  readonly database: DatabaseSync;
  readonly #prepared = new Map<string, Prepared>();

  constructor(database: DatabaseSync) {
    this.database = database;
  }

  #prepare(sql: string): Prepared {
    const known = this.#prepared.get(sql);
    if (known !== undefined) return known;
    const statement = this.database.prepare(sql);
    statement.setReturnArrays(true);
    const prepared = { statement, columns: statement.columns().map(({ name }) => name) };
    this.#prepared.set(sql, prepared);
    return prepared;
  }

  all({ sql, parameters }: Statement): readonly SqlRow[] {
    const { statement, columns } = this.#prepare(sql);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it was told to answer with arrays
    const rows = statement.all(...parameters) as unknown as readonly (readonly SQLOutputValue[])[];
    return rows.map((values) => rowOf(columns, values));
  }

  run(statement: Statement | string): void {
    const { sql, parameters } =
      typeof statement === "string" ? { sql: statement, parameters: [] } : statement;
    this.#prepare(sql).statement.run(...parameters);
  }
}

/** Rows as node:sqlite makes them are hash tables: slow to copy, and several times as large. */
function rowOf(columns: readonly string[], values: readonly SQLOutputValue[]): SqlRow {
  const row: SqlRow = {};
  for (let index = 0; index < columns.length; index += 1) {
    const column = columns[index];
    const value = values[index];
    if (column !== undefined && value !== undefined) row[column] = value;
  }
  return row;
}
