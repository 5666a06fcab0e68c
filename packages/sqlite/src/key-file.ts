import { randomBytes, randomUUID } from "node:crypto";
import { DatabaseSync, type SQLOutputValue } from "node:sqlite";
import { HeedError } from "@heed/core/storage";
import { Connection } from "./connection.ts";
import type { UntilFree } from "./until-free.ts";

const prefix = Buffer.from("heed-key:");

/** Whether the database holds a reference to a key in another file here, and not the key. */
export function isReference(bytes: Uint8Array): boolean {
  return bytes.length > prefix.length && prefix.equals(bytes.subarray(0, prefix.length));
}

/** Tables of the file with the keys. Rows are appended, and overwritten where they stand: see `staysInPlace`. */
export function setUpKeyFile(database: DatabaseSync): void {
  database.exec(`
    CREATE TABLE IF NOT EXISTS heed_keys (
      seat INTEGER PRIMARY KEY, reference BLOB NOT NULL, wrapped BLOB NOT NULL, gone INTEGER NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX IF NOT EXISTS heed_keys_one_reference ON heed_keys (reference);
    CREATE TABLE IF NOT EXISTS heed_keyFile (id TEXT NOT NULL) STRICT;
  `);
}

const queueTables = `
  CREATE TABLE IF NOT EXISTS heed_keyFile (id TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS heed_keysToDestroy (reference BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;
`;

function idIn(database: DatabaseSync): string | undefined {
  const table = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'heed_keyFile'").get();
  const id = table === undefined ? undefined : database.prepare("SELECT id FROM heed_keyFile").get()?.["id"];
  return typeof id === "string" ? id : undefined;
}

/** @throws HeedError `keys-missing` when the database's keys lie in another file than it was given */
export function refuseWithoutKeys(database: DatabaseSync, keys: DatabaseSync | undefined): void {
  const expected = idIn(database);
  if (expected === undefined || (keys !== undefined && idIn(keys) === expected)) return;
  throw new HeedError(
    "The data keys of this database lie in a file of their own, and this is not it. Pass the right one: sqlite({ file, keysFile }). Without it nothing that is sealed can be read.",
    { code: "keys-missing" },
  );
}

/**
 * The wrapped data keys, in a file of their own. The database holds a random reference to each.
 *
 * No commit spans two files, so the order is what keeps them together: a key is on the disk before the
 * transaction that refers to it commits, and it is overwritten after the one that removes it has. A crash in
 * between leaves a key that nothing was ever sealed under, or one that is on the list of those to destroy, which the
 * removing transaction wrote.
 */
export class KeyFile {
  readonly #connection: Connection;
  readonly #file: string;

  /** @param file of the database */
  constructor(keys: DatabaseSync, file: string) {
    this.#connection = new Connection(keys);
    this.#file = file;
  }

  get database(): DatabaseSync {
    return this.#connection.database;
  }

  /** Binds the two files to each other, the first time. Inside a transaction of the database that writes. */
  bind(database: DatabaseSync): void {
    refuseWithoutKeys(database, this.database);
    if (idIn(database) !== undefined) return;
    let id = idIn(this.database);
    if (id === undefined) {
      id = randomUUID();
      this.database.prepare("INSERT INTO heed_keyFile VALUES (?)").run(id);
    }
    database.exec(queueTables);
    database.prepare("INSERT INTO heed_keyFile VALUES (?)").run(id);
  }

  /** Whoever may {@link put} begins before: another process may hold the file, and is then waited for. */
  begin(): void {
    if (!this.database.isTransaction) this.#connection.run("BEGIN IMMEDIATE");
  }

  /** Takes a key in; on the disk after {@link commit}. @returns what stands for it in the database */
  put(wrapped: Uint8Array): Uint8Array {
    if (isReference(wrapped)) return wrapped;
    this.begin();
    const reference = new Uint8Array(Buffer.concat([prefix, randomBytes(16)]));
    const sql = "INSERT INTO heed_keys (reference, wrapped, gone) VALUES (?, ?, 0)";
    this.#connection.run({ sql, parameters: [reference, wrapped] });
    return reference;
  }

  /** Before the database's own commit. */
  commit(): void {
    if (this.database.isTransaction) this.#connection.run("COMMIT");
  }

  rollBack(): void {
    if (this.database.isTransaction) this.#connection.run("ROLLBACK");
  }

  /** The key itself; undefined when it was destroyed. */
  get(kept: SQLOutputValue | undefined): SQLOutputValue | undefined {
    if (!(kept instanceof Uint8Array) || !isReference(kept)) return kept;
    const sql = "SELECT wrapped FROM heed_keys WHERE reference = ? AND gone = 0";
    return this.#connection.all({ sql, parameters: [kept] })[0]?.["wrapped"];
  }

  /** Overwrites the keys on the list, then crosses them off. */
  async destroy(untilFree: UntilFree): Promise<void> {
    // A connection of its own: the storage's may be between two awaits of a group.
    const database = new DatabaseSync(this.#file, { timeout: 0 });
    try {
      const list = () => database.prepare("SELECT reference FROM heed_keysToDestroy").all();
      if ((await untilFree(list)).length === 0) return;
      database.exec("PRAGMA synchronous = FULL");
      await untilFree(() => {
        database.exec("BEGIN IMMEDIATE");
        try {
          for (const { reference } of list()) {
            if (!(reference instanceof Uint8Array)) continue;
            this.begin();
            const sql =
              "UPDATE heed_keys SET wrapped = zeroblob(length(wrapped)), gone = 1 WHERE reference = ?";
            this.#connection.run({ sql, parameters: [reference] });
          }
          this.commit();
          database.exec("DELETE FROM heed_keysToDestroy");
          database.exec("COMMIT");
        } catch (error) {
          this.rollBack();
          database.exec("ROLLBACK");
          throw error;
        }
      });
    } finally {
      database.close();
    }
  }
}
