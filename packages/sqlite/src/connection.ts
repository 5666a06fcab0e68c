import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from "node:sqlite";
import type { KeyFile } from "./key-file.ts";

/** SQL with the values that it is run with. */
export interface Statement {
  readonly sql: string;
  readonly parameters: readonly SQLInputValue[];
}

export type SqlRow = Record<string, SQLOutputValue>;

/** A database with its prepared statements: each shape of a query is compiled once. */
export class Connection {
  readonly database: DatabaseSync;
  /** Where the data keys lie, when they have a file of their own. */
  readonly keyFile: KeyFile | undefined;
  readonly #prepared = new Map<string, StatementSync>();

  constructor(database: DatabaseSync, keyFile?: KeyFile) {
    this.database = database;
    this.keyFile = keyFile;
  }

  #prepare(sql: string): StatementSync {
    const known = this.#prepared.get(sql);
    if (known !== undefined) return known;
    const prepared = this.database.prepare(sql);
    this.#prepared.set(sql, prepared);
    return prepared;
  }

  all({ sql, parameters }: Statement): readonly SqlRow[] {
    return this.#prepare(sql).all(...parameters);
  }

  run(statement: Statement | string): void {
    const { sql, parameters } =
      typeof statement === "string" ? { sql: statement, parameters: [] } : statement;
    this.#prepare(sql).run(...parameters);
  }
}
