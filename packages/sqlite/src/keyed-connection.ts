import type { DatabaseSync } from "node:sqlite";
import { Connection } from "./connection.ts";
import type { KeyFile } from "./key-file.ts";

/** heed's database, with the file of its data keys where they have one of their own. */
export class KeyedConnection extends Connection {
  readonly keyFile: KeyFile | undefined;

  constructor(database: DatabaseSync, keyFile?: KeyFile) {
    super(database);
    this.keyFile = keyFile;
  }
}
