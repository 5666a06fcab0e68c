import { createHash } from "node:crypto";
import { HeedError } from "@heed/core/storage";
import pg from "pg";
import type { ConstructorOptions } from "pg-boss";
import { QueryFailed } from "./postgres-error.ts";
import { Session } from "./session.ts";

/** Where the database is: as one string, or as the application's own pool. */
export type Where = { readonly connectionString: string } | { readonly pool: pg.Pool };

/** A server that is gone without a word (a failed host, a cut network) is noticed within half a minute. */
const keepAlive: pg.PoolConfig = { keepAlive: true, keepAliveInitialDelayMillis: 10_000 };

/** What a driver's client and pool take to connect with. */
function settingsOf(where: Where): pg.PoolConfig {
  if ("connectionString" in where) {
    return { ...keepAlive, connectionString: where.connectionString, application_name: "heed" };
  }
  const { options } = where.pool;
  // The driver keeps it out of listings, and so out of copies.
  return {
    ...keepAlive,
    ...options,
    ...(options.password === undefined ? {} : { password: options.password }),
  };
}

function ignore(): void {}

/**
 * Keeps a connection that breaks from ending the process. A pool takes its own listener off a client that it
 * lends, and what the server said last may be told before whoever asked for the client has it. The listener
 * stays: a connection may break after it was given back. Who waits for an answer is told by the answer.
 */
function listen(client: pg.PoolClient): void {
  if (!client.listeners("error").includes(ignore)) client.on("error", ignore);
}

function guarded(pool: pg.Pool): pg.Pool {
  return pool.on("error", ignore).on("acquire", listen);
}

/** A host that does not answer at all would otherwise be waited for by the operating system, for minutes. */
const connectionTimeoutMillis = 10_000;

/** Each prepared statement costs memory on every connection; heed has some hundred shapes at most. */
const mostNames = 400;

/** Names under which statements are prepared, once on each connection. */
class StatementNames {
  readonly #names = new Map<string, string>();

  /** Undefined when there are too many: the statement is then prepared anew each time. */
  of(sql: string): string | undefined {
    const known = this.#names.get(sql);
    if (known !== undefined || this.#names.size >= mostNames) return known;
    const name = `heed_${createHash("sha256").update(sql).digest("hex").slice(0, 24)}`;
    this.#names.set(sql, name);
    return name;
  }
}

/** Connections to the database. None is opened before it is needed. */
export class Connections {
  readonly #settings: pg.PoolConfig;
  readonly #pool: pg.Pool;
  readonly #isOwn: boolean;
  readonly #aside: pg.Pool;
  readonly #names = new StatementNames();

  /** @param most how many transactions may be open at the same time, where the pool is not the application's */
  constructor(where: Where, most: number) {
    this.#settings = settingsOf(where);
    this.#isOwn = !("pool" in where);
    const own = { ...this.#settings, max: most, pipeline: true, connectionTimeoutMillis };
    this.#pool = guarded("pool" in where ? where.pool : new pg.Pool(own));
    this.#aside = guarded(new pg.Pool({ ...this.#settings, max: 1, connectionTimeoutMillis }));
  }

  /** How pg-boss connects, which holds connections of its own. */
  get forBoss(): ConstructorOptions {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it hands them to a pool of pg, as they are
    return this.#settings as ConstructorOptions;
  }

  /** Lends a connection. One that `work` leaves in an unknown state is closed. */
  async use<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return lend(this.#pool, work, this.#names, this.#isOwn);
  }

  /**
   * Lends the connection that no transaction ever holds, so that what a transaction needs done beside it never
   * waits for itself. What fails in a transaction of pg-boss's own leaves none open for the next one.
   */
  async useAside<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const closing = async (session: Session) => {
      try {
        return await work(session);
      } catch (error) {
        await session.run("ROLLBACK").catch(() => {});
        throw error;
      }
    };
    return lend(this.#aside, closing, this.#names, false);
  }

  async close(): Promise<void> {
    if (!this.#isOwn) this.#pool.off("error", ignore).off("acquire", listen);
    await Promise.all([this.#aside.end(), ...(this.#isOwn ? [this.#pool.end()] : [])]);
  }
}

async function lend<T>(
  pool: pg.Pool,
  work: (session: Session) => Promise<T>,
  names: StatementNames,
  isPipelined: boolean,
): Promise<T> {
  const client = await pool.connect().catch((error: unknown) => {
    throw new QueryFailed(error);
  });
  const send = (sql: string, values: readonly unknown[] | undefined) => {
    if (values === undefined) return client.query(sql);
    const name = names.of(sql);
    return client.query({ text: sql, values: [...values], ...(name === undefined ? {} : { name }) });
  };
  let isBroken = true;
  try {
    const answer = await work(new Session(send, isPipelined));
    isBroken = false;
    return answer;
  } catch (error) {
    // A commit that nobody heard of is told in heed's words, and may still be answered.
    const failed = error instanceof HeedError ? error.cause : error;
    isBroken = failed instanceof QueryFailed && failed.isDisconnected;
    throw error;
  } finally {
    client.release(isBroken);
  }
}
