import { createHash } from "node:crypto";
import { PgBoss, type Db } from "pg-boss";
import type { Connections } from "../connections.ts";
import { notMigrated, QueryFailed } from "../postgres-error.ts";

/** Channel of pg-boss's NOTIFY for a schema: `notifyChannelSql` in its `plans.js`. */
function channelOf(schema: string): string {
  return `pgboss_${createHash("sha224").update(schema).digest("hex").slice(0, 24)}`;
}

/** What pg-boss says when its schema is not there, or is of another version. */
const isNotInstalled = /not installed|requires migrations/;

/**
 * pg-boss at work in a process that works: it puts back jobs whose worker's heartbeat stopped, clears away
 * what is finished, and listens for new jobs. Begun by the first use, so that a process that only records
 * choices has none of it.
 */
export class BossAtWork {
  readonly #boss: PgBoss;
  readonly #schema: string;
  readonly #wakes = new Set<() => void>();
  #started: Promise<unknown> | undefined;
  #listening: ReturnType<NonNullable<Db["listen"]>> | undefined;

  constructor({ forBoss }: Connections, schema: string) {
    this.#schema = schema;
    this.#boss = new PgBoss({
      ...forBoss,
      schema,
      max: 2,
      migrate: false,
      schedule: false,
      superviseIntervalSeconds: 2,
      monitorIntervalSeconds: 5,
      persistWarnings: false,
    });
    // What fails in supervision is tried again two seconds later; what fails a caller is thrown to the caller.
    this.#boss.on("error", () => {});
    this.#boss.on("warning", () => {});
  }

  /** @throws HeedError `storage-schema` when pg-boss is not installed in its schema */
  async start(): Promise<void> {
    this.#started ??= this.#boss.start().catch(async (error: unknown) => {
      this.#started = undefined;
      await this.#boss.stop({ graceful: false });
      throw error instanceof Error && isNotInstalled.test(error.message)
        ? notMigrated()
        : new QueryFailed(error);
    });
    await this.#started;
    if (this.#wakes.size > 0) await this.#listen();
  }

  /** Calls `wake` when jobs that can be fetched were queued. */
  watch(wake: () => void): () => void {
    // A function of its own for each watch: one `wake` may be given twice.
    const told = () => wake();
    this.#wakes.add(told);
    if (this.#started !== undefined) void this.#listen();
    return () => void this.#wakes.delete(told);
  }

  async stop(): Promise<void> {
    this.#wakes.clear();
    const listening = this.#listening;
    this.#listening = undefined;
    await (await listening?.catch(() => {}))?.close();
    if (this.#started !== undefined) await this.#boss.stop({ graceful: false });
  }

  /** Only a hint that saves time: where it cannot be had, it is tried again at the next use. */
  async #listen(): Promise<void> {
    const db = this.#boss.getDb();
    const wakeAll = () => {
      for (const wake of this.#wakes) wake();
    };
    this.#listening ??= db.listen?.(channelOf(this.#schema), wakeAll, wakeAll);
    await this.#listening?.catch(() => {
      this.#listening = undefined;
    });
  }
}
