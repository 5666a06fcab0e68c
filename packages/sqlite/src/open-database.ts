import { closeSync, existsSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { HeedError } from "@heed/core/storage";
import { forgetStatistics, isAnalyzed } from "./forget-statistics.ts";
import { isServed, migrate } from "./migrate.ts";
import { mountFacts, networkFileSystem } from "./network-file-system.ts";
import type { UntilFree } from "./until-free.ts";

/** Owner alone. SQLite gives its `-wal` and `-shm` files the mode of the database. */
const fileMode = 0o600;

/** Makes an empty file, unless there is one: SQLite would make it readable to everybody. */
function createFile(file: string): void {
  try {
    closeSync(openSync(file, "wx", fileMode));
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    // Opening an existing file here, and closing it, would drop the locks that this process holds on it.
    if (code === "EEXIST") return;
    const remedy =
      code === "ENOENT" || code === "ENOTDIR"
        ? "There is no such directory: make it, or look for a slip in the path."
        : "See that this process may write to its directory, and that the disk has room.";
    throw new HeedError(`The database file ${file} cannot be made. ${remedy}`, {
      code: "storage-failed",
      cause: error,
    });
  }
}

/**
 * FULL and secure_delete are promises. Without temp_store, a savepoint of a large group would copy pages to a file
 * of its own. Most keys are random, so a bulk touches pages all over the file: it keeps 16 MiB of them at hand, and
 * moves them from the log to the file every 32 MiB instead of after each commit.
 */
const settings =
  "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; " +
  "PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = 8192";

function makeReady(database: DatabaseSync): void {
  migrate(database);
  forgetStatistics(database);
}

/** Everything that a connection needs; may be tried again when it finds the file locked. */
function setUp(database: DatabaseSync, prepare: ((database: DatabaseSync) => void) | undefined): void {
  database.exec(settings);
  const mode = database.prepare("PRAGMA journal_mode = WAL").get()?.["journal_mode"];
  if (mode !== "wal") {
    throw new HeedError("This file cannot have a write-ahead log.", { code: "storage-unsuitable" });
  }
  if (prepare === undefined && isServed(database) && !isAnalyzed(database)) return;
  database.exec("BEGIN IMMEDIATE");
  try {
    (prepare ?? makeReady)(database);
    database.exec("COMMIT");
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

/**
 * Opens the file, makes it where there is none, and brings its tables forward.
 *
 * @param prepare makes the tables instead, in a transaction that writes
 * @throws HeedError `storage-unsuitable` on a network file system, `storage-schema` when a newer version has
 *   written the file, `storage-busy` when it stays locked, `storage-failed` when SQLite cannot open it
 */
export async function openDatabase(
  file: string,
  untilFree: UntilFree,
  facts: typeof mountFacts = mountFacts,
  prepare?: (database: DatabaseSync) => void,
): Promise<DatabaseSync> {
  // The file itself where it exists: it may be a link to somewhere else.
  const network = networkFileSystem(facts(existsSync(file) ? file : dirname(file)));
  if (network !== undefined) {
    throw new HeedError(
      `The database must lie on a local disk: ${file} would be on ${network}, where processes share no memory.`,
      { code: "storage-unsuitable" },
    );
  }
  createFile(file);
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    await untilFree(() => setUp(database, prepare));
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}
