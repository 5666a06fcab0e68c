import { setTimeout as sleep } from "node:timers/promises";
import { HeedError, onlyKeys, type HeedStorage, type Reads, type Transaction } from "@heed/core/storage";
import type { Pool } from "pg";
import { assertConnectionString } from "./connection-string.ts";
import { Connections, type Where } from "./connections.ts";
import { Delivery } from "./delivery/delivery.ts";
import { Queues } from "./delivery/queues.ts";
import { assertServed, migrate } from "./migrate.ts";
import type { Migrated } from "./migrated.ts";
import { QueryFailed, translated } from "./postgres-error.ts";
import { runTransaction, type Setting } from "./run-transaction.ts";
import { runWithin } from "./run-within.ts";
import { Scrubber } from "./scrub.ts";
import { Tries } from "./unheard-commit.ts";

/** Where {@link postgres} keeps its data, and how patient it is. */
export interface PostgresOptions {
  /** For example `postgres://heed:secret@db.example/app`. Give this or `pool`. */
  readonly connectionString?: string;
  /** The application's own pool, which the application closes. pg-boss opens connections of its own beside it. */
  readonly pool?: Pool;
  /**
   * The schema of heed's tables; pg-boss gets one of its own beside it, with `_boss` at the end of the name.
   * Lower-case letters, digits and `_`. Default `"heed"`.
   */
  readonly schema?: string;
  /** How many transactions may be open at the same time, where no `pool` is given. Default 10. */
  readonly connections?: number;
  /** How long a call is tried again while the database cannot be reached, in milliseconds. Default 10,000. */
  readonly giveUpAfterMs?: number;
  /** Migrates at the first use. For development and tests: a deployment calls `migrate()` once. Default `false`. */
  readonly migrate?: boolean;
  /** How often a worker looks for due steps that lost their job, in milliseconds. Default 60,000. */
  readonly reconcileMs?: number;
}

/** heed's storage on PostgreSQL. */
export interface PostgresStorage extends HeedStorage {
  /**
   * Makes what the storage needs in the database, or brings an earlier version's forward. A step of a
   * deployment: run it before the new version starts. Workers of the version before go on.
   *
   * @throws HeedError `storage-schema`, when a newer version has written the tables, or they are not heed's
   */
  migrate(): Promise<Migrated>;
}

const schemaName = /^[a-z_][a-z0-9_]{0,50}$/;

function whereOf({ connectionString, pool }: PostgresOptions): Where {
  if (pool !== undefined && connectionString === undefined) return { pool };
  if (typeof connectionString === "string" && connectionString !== "" && pool === undefined) {
    assertConnectionString(connectionString);
    return { connectionString };
  }
  throw new TypeError("postgres() takes a connection string, or a pool of pg.");
}

const optionKeys = {
  connectionString: true,
  pool: true,
  schema: true,
  connections: true,
  giveUpAfterMs: true,
  migrate: true,
  reconcileMs: true,
};

function checked(options: PostgresOptions) {
  onlyKeys(options, "postgres", optionKeys);
  const { schema = "heed", connections = 10, giveUpAfterMs = 10_000, reconcileMs = 60_000 } = options;
  if (!schemaName.test(schema)) {
    throw new TypeError("schema takes lower-case letters, digits and _, and at most 51 of them.");
  }
  if (!(Number.isSafeInteger(connections) && connections > 0)) {
    throw new TypeError("connections is a whole number, one or more.");
  }
  if (!(giveUpAfterMs >= 0)) throw new TypeError("giveUpAfterMs is a number of milliseconds, zero or more.");
  if (!(reconcileMs >= 0)) throw new TypeError("reconcileMs is a number of milliseconds, zero or more.");
  return { where: whereOf(options), schema, connections, giveUpAfterMs, reconcileMs };
}

/**
 * Codes of a database that cannot be reached now, has no connection free, or ended a transaction that stood still:
 * SQLSTATE 08, 53300, 57P01 to 57P03, and 25P03.
 */
const passing = /^(08\w{3}|53300|57P0[123]|25P03|E[A-Z_]+|no-answer)$/;

function isPassing(error: unknown): boolean {
  if (!(error instanceof QueryFailed)) return false;
  return (
    error.isContention || (error.isDisconnected && (error.code === undefined || passing.test(error.code)))
  );
}

/** Tries again what failed before anything was stored, or what `isToTry` says. */
async function persistently<T>(
  giveUpAfterMs: number,
  work: () => Promise<T>,
  isToTry: (error: unknown) => boolean = isPassing,
): Promise<T> {
  const untilMs = performance.now() + giveUpAfterMs;
  for (let pauseMs = 10; ; pauseMs = Math.min(pauseMs * 2, 500)) {
    try {
      return await work();
    } catch (error) {
      if (!isToTry(error) || performance.now() + pauseMs > untilMs) throw error;
      await sleep(pauseMs * (0.5 + Math.random()));
    }
  }
}

/**
 * heed's storage for many machines: PostgreSQL for the truth, pg-boss for delivery, in the same transactions.
 *
 * Nothing is opened before the first use, and the database must have been migrated: see
 * {@link PostgresStorage.migrate}. What a transaction answered is committed; one that failed because the
 * database was away or others were in its way is tried again. So is one whose commit nobody heard of, once its locks are
 * free: what it wrote is there then, or is not. Where that cannot be told, or the database stays away, it is
 * `storage-failed`, and said to be unknown.
 *
 * `within` takes the application's own client with a transaction open at READ COMMITTED; its commit is then
 * the commit. See `JoinedTransaction`.
 *
 * @throws InvalidInputError when the connection string can be none; `unknown-option`
 * @throws TypeError when an option is none, a transaction does not fit the tables, or `within` cannot be joined
 * @throws ConflictError `duplicate-row`, when a write breaks a key or a unique rule
 * @throws HeedError `storage-busy`, `storage-schema` (not migrated, or a newer version's), `storage-failed`,
 *   `storage-closed`
 *
 * @example postgres("postgres://heed:secret@db.example/app")
 */
export function postgres(options: string | PostgresOptions): PostgresStorage {
  // A variable of the environment that is not set arrives as undefined, whatever the types say.
  const given = typeof options === "object" ? options : { connectionString: options };
  const { where, schema, connections: most, giveUpAfterMs, reconcileMs } = checked(given);
  const schemas = { schema, delivery: `${schema}_boss` };
  const connections = new Connections(where, most);
  const aside = {
    executeSql: (text: string, values?: readonly unknown[]) =>
      connections.useAside(async (session) => ({ rows: [...(await session.run(text, values)).rows] })),
  };
  const queues = new Queues(schemas.delivery, aside);
  const delivery = new Delivery(connections, queues, schemas, reconcileMs);
  const scrubber = new Scrubber(connections, schema);
  const setting: Setting = { schema, queues, onTouched: delivery.forget };
  const running = new Set<Promise<unknown>>();
  let opening: Promise<string> | undefined;
  let closing: Promise<void> | undefined;

  async function open(): Promise<string> {
    if (given.migrate === true) await migrate(connections, queues, schemas);
    // The application's pool may have lent all that it has to transactions which wait for this.
    return connections.useAside((session) => assertServed(session, schema));
  }

  /** Which installation this is; the first use finds out whether it can be used at all. */
  function installation(): Promise<string> {
    opening ??= open().catch((error: unknown) => {
      // The next use tries again.
      opening = undefined;
      throw error;
    });
    return opening;
  }

  async function whileOpen<T>(work: () => Promise<T>): Promise<T> {
    if (closing !== undefined) throw new HeedError("The storage is closed.", { code: "storage-closed" });
    const working = work();
    running.add(working);
    try {
      return await working;
    } catch (error) {
      throw translated(error);
    } finally {
      running.delete(working);
    }
  }

  function whenReady<T>(work: () => Promise<T>): Promise<T> {
    return whileOpen(() =>
      persistently(giveUpAfterMs, async () => {
        await installation();
        return work();
      }),
    );
  }

  async function transacted<R extends Reads, A>(transaction: Transaction<R, A>): Promise<A> {
    const tries = new Tries<A>();
    const attempt = async () => {
      await installation();
      return connections.use((session) => runTransaction(setting, session, tries.now(transaction)));
    };
    // Without a lock nothing tells when the try before has ended.
    const isToTry = (error: unknown) =>
      isPassing(error) || (tries.isKnowable(error) && transaction.lock.length > 0);
    return persistently(giveUpAfterMs, attempt, isToTry).catch((error: unknown) => {
      throw tries.outcome(error);
    });
  }

  async function within<R extends Reads, A>(transaction: Transaction<R, A>): Promise<A> {
    const id = await persistently(giveUpAfterMs, installation);
    return runWithin(setting, id, transaction);
  }

  async function end(): Promise<void> {
    await Promise.allSettled(running);
    await delivery.close();
    await connections.close();
  }

  return {
    specificationVersion: "v1",
    name: "postgres",
    durable: true,
    transact: (transaction) =>
      transaction.within === undefined
        ? whileOpen(() => transacted(transaction))
        : whileOpen(() => within(transaction)),
    due: (ask) => whenReady(() => delivery.due(ask)),
    watch: (wake) => delivery.watch(wake),
    scrub: () => whenReady(() => scrubber.scrub()),
    migrate: () => whileOpen(() => migrate(connections, queues, schemas)),
    close: () => (closing ??= end()),
  };
}
