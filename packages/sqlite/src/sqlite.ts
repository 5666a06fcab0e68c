import { resolve } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { HeedError, onlyKeys, type HeedStorage, type Reads, type Transaction } from "@heed/core/storage";
import { backUp } from "./back-up.ts";
import { Connection } from "./connection.ts";
import { dueSteps } from "./due-steps.ts";
import { groupCommit, type GroupCommit } from "./group-commit.ts";
import { KeyFile, refuseWithoutKeys, setUpKeyFile } from "./key-file.ts";
import { KeyedConnection } from "./keyed-connection.ts";
import { migrate } from "./migrate.ts";
import { openDatabase } from "./open-database.ts";
import { runWithin } from "./run-within.ts";
import { isBusy, translated } from "./sqlite-error.ts";
import { untilFreeFor } from "./until-free.ts";

/** Where {@link sqlite} keeps its data, and how patient it is. */
export interface SqliteOptions {
  /**
   * The database file. Made at first use, readable to its owner alone; its directory must exist. A relative path is one
   * from the process's working directory: a process that is started elsewhere makes, and finds, another database.
   */
  readonly file: string;
  /**
   * A file of its own for the data keys. A back-up of `file` can then be read only with this one, whose back-ups
   * may be few and short-lived: what was sealed for somebody is unreadable once theirs have ended. Once used,
   * it is always needed. Default: the keys lie in `file`.
   */
  readonly keysFile?: string;
  /** How long a call waits for a file that another process has locked, in milliseconds. Default 30,000. */
  readonly giveUpAfterMs?: number;
}

interface Opened {
  readonly connection: KeyedConnection;
  readonly commits: GroupCommit;
}

const optionKeys = { file: true, keysFile: true, giveUpAfterMs: true };

function checked(options: SqliteOptions): SqliteOptions & { readonly giveUpAfterMs: number } {
  const { file, keysFile, giveUpAfterMs = 30_000 } = onlyKeys(options, "sqlite", optionKeys);
  if (typeof file !== "string" || file === "" || file === ":memory:") {
    throw new TypeError(
      "sqlite() takes the path of a file. For a storage in memory, use memory() of @heed/core.",
    );
  }
  if (!(giveUpAfterMs >= 0)) throw new TypeError("giveUpAfterMs is a number of milliseconds, zero or more.");
  if (
    keysFile !== undefined &&
    (typeof keysFile !== "string" || keysFile === "" || resolve(keysFile) === resolve(file))
  )
    throw new TypeError("keysFile is the path of another file than the database's.");
  // Resolved now: the working directory may be another by the time of the first use.
  return {
    file: resolve(file),
    giveUpAfterMs,
    ...(keysFile === undefined ? {} : { keysFile: resolve(keysFile) }),
  };
}

/** Moves the log into the database and cuts it to nothing. False when a reader or a writer is in the way. */
function truncateLog(connection: Connection): boolean {
  try {
    const [result] = connection.all({ sql: "PRAGMA wal_checkpoint(TRUNCATE)", parameters: [] });
    return result?.["busy"] === 0;
  } catch (error) {
    if (isBusy(error)) return false;
    throw error;
  }
}

/**
 * heed's embedded storage: one file on a local disk, no server, any number of processes on one machine.
 *
 * Nothing is opened before the first use. What a transaction answered is on the disk: SQLite's write-ahead
 * log with `synchronous = FULL`, transactions of the same moment sharing one fsync. Waiting for another
 * process never blocks the event loop. Locks are the whole file, so `lock` has nothing to do.
 *
 * `within` takes a `DatabaseSync` on the same file with a transaction begun; its commit is then the commit.
 *
 * @throws InvalidInputError `unknown-option`
 * @throws TypeError when the path is no path, or a transaction does not fit the tables
 * @throws ConflictError `duplicate-row`, when a write breaks a key or a unique rule
 * @throws HeedError `storage-busy`, `storage-unsuitable` (a network file system), `storage-schema` (a newer
 *   version wrote the file), `storage-failed` (a full disk, a broken file), `storage-closed`
 *
 * @example sqlite("heed.db")
 */
export function sqlite(where: string | SqliteOptions): HeedStorage {
  const { file, keysFile, giveUpAfterMs } = checked(
    typeof where === "object" && where !== null ? where : { file: where },
  );
  const untilFree = untilFreeFor(giveUpAfterMs);
  let opening: Promise<Opened> | undefined;
  let openingKeys: Promise<KeyFile> | undefined;
  let isClosed = false;
  const running = new Set<Promise<unknown>>();

  async function open(): Promise<Opened> {
    if (keysFile === undefined) {
      const database = await openDatabase(file, untilFree);
      try {
        await untilFree(() => refuseWithoutKeys(database, undefined));
      } catch (error) {
        database.close();
        throw error;
      }
      const connection = new KeyedConnection(database);
      return { connection, commits: groupCommit(connection, untilFree) };
    }
    const keyFile = await openKeys(keysFile);
    const bind = (database: DatabaseSync) => {
      migrate(database);
      keyFile.bind(database);
    };
    const connection = new KeyedConnection(await openDatabase(file, untilFree, undefined, bind), keyFile);
    return { connection, commits: groupCommit(connection, untilFree) };
  }

  function openKeys(path: string): Promise<KeyFile> {
    openingKeys ??= openDatabase(path, untilFree, undefined, setUpKeyFile)
      .then((keys) => new KeyFile(keys, file))
      .catch((error: unknown) => {
        openingKeys = undefined;
        throw translated(error);
      });
    return openingKeys;
  }

  async function afterOpening<T>(work: (opened: Opened) => T | Promise<T>): Promise<T> {
    opening ??= open().catch((error: unknown) => {
      // The next use tries again.
      opening = undefined;
      throw error;
    });
    try {
      return await work(await opening);
    } catch (error) {
      throw translated(error);
    }
  }

  async function whileOpen<T>(work: () => Promise<T>): Promise<T> {
    if (isClosed) throw new HeedError("The storage is closed.", { code: "storage-closed" });
    const working = work();
    running.add(working);
    try {
      return await working;
    } finally {
      running.delete(working);
    }
  }

  async function within<R extends Reads, A>(transaction: Transaction<R, A>): Promise<A> {
    if (keysFile === undefined) return runWithin(file, transaction);
    // Not the database: the application's transaction may be holding it.
    const keyFile = await openKeys(keysFile);
    await untilFree(() => keyFile.begin());
    try {
      return runWithin(file, transaction, keyFile);
    } finally {
      keyFile.rollBack();
    }
  }

  return {
    specificationVersion: "v1",
    name: "sqlite",
    durable: true,
    serial: true,
    transact: (transaction) =>
      whileOpen(async () =>
        transaction.within === undefined
          ? afterOpening(({ commits }) => commits.transact(transaction))
          : within(transaction),
      ),
    due: (ask) =>
      whileOpen(() => afterOpening(({ connection }) => untilFree(() => dueSteps(connection, ask)))),
    backup: (to, keysTo) =>
      whileOpen(() =>
        afterOpening(async () => {
          await backUp(file, to);
          // Afterwards: whatever key the copy refers to was on the disk before.
          if (keysFile !== undefined && keysTo !== undefined) await backUp(keysFile, keysTo);
        }),
      ),
    scrub: () =>
      whileOpen(() =>
        afterOpening(async ({ connection }) => {
          const { keyFile } = connection;
          await keyFile?.destroy(untilFree);
          const isCut = keyFile === undefined || truncateLog(new Connection(keyFile.database));
          return truncateLog(connection) && isCut;
        }),
      ),
    async close() {
      isClosed = true;
      await Promise.allSettled(running);
      const closing = opening;
      opening = undefined;
      const closingKeys = openingKeys;
      openingKeys = undefined;
      (await closing)?.connection.database.close();
      (await closingKeys)?.database.close();
    },
  };
}
