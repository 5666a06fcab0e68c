import type { TableName } from "@heed/core/storage";
import type { Connections } from "./connections.ts";
import { QueryFailed } from "./postgres-error.ts";
import { committed } from "./run-transaction.ts";
import { definitionOf, sqlName, tableNames } from "./schema.ts";
import type { Session } from "./session.ts";

const secretTables: readonly TableName[] = tableNames.filter((table) => definitionOf(table).secret === true);

/** What waits for a lock holds up everybody who comes after it; it is tried again. */
const longestWaitMs = 200;

/** From this size on, rewriting takes at most a fiftieth of the time. */
const largeBytes = 16 * 2 ** 20;
const pausesPerRewrite = 49;

/** Others hold the table, or this connection was told to stop: tried again later. */
const inTheWay = new Set<string | undefined>(["55P03", "40P01", "40001", "57014"]);

async function isClean(session: Session, schema: string): Promise<boolean> {
  const { rows } = await session.run(`SELECT 1 FROM ${sqlName(schema, "heed_unscrubbed")} LIMIT 1`);
  return rows.length === 0;
}

/**
 * Writes the rows that are left into new files, and drops the old ones.
 *
 * In PostgreSQL a removed row stays where it is, and a plain VACUUM leaves its bytes in the page's free space.
 * VACUUM FULL keeps a removed row for as long as any older transaction is open. TRUNCATE asks for no such
 * thing: under its lock nobody reads the table, and what is inserted after it is all that the files have.
 */
async function rewrite(session: Session, schema: string, table: TableName): Promise<void> {
  const name = sqlName(schema, table);
  await session.run(`LOCK TABLE ${name} IN ACCESS EXCLUSIVE MODE`);
  await session.run(`CREATE TEMPORARY TABLE heed_left ON COMMIT DROP AS SELECT * FROM ${name}`);
  await session.run(`TRUNCATE ${name}`);
  await session.run(`INSERT INTO ${name} SELECT * FROM heed_left`);
  await session.run("DROP TABLE heed_left");
}

/**
 * Whether a dump is under way. One that took its snapshot before the rewriting, and comes to the table after it, sees
 * no row at all (https://www.postgresql.org/docs/current/mvcc-caveats.html): a back-up without a key.
 */
async function isDumped(session: Session): Promise<boolean> {
  const { rows } = await session.run(
    "SELECT 1 FROM pg_stat_activity WHERE application_name = 'pg_dump' AND datname = current_database() LIMIT 1",
  );
  return rows.length > 0;
}

async function bytesOf(session: Session, schema: string): Promise<number> {
  const sizes = secretTables.map((table) => `pg_total_relation_size('${sqlName(schema, table)}')`);
  const { rows } = await session.run(`SELECT ${sizes.join(" + ")} AS bytes`);
  return Number(rows[0]?.["bytes"]);
}

/** Makes sure that no byte of a removed secret is left in the database's files. */
export class Scrubber {
  readonly #connections: Connections;
  readonly #schema: string;
  #last: Promise<unknown> = Promise.resolve();
  #notBeforeMs = 0;

  constructor(connections: Connections, schema: string) {
    this.#connections = connections;
    this.#schema = schema;
  }

  /** False when that cannot be done now. Calls of the same time share one rewriting. */
  async scrub(): Promise<boolean> {
    const turn = this.#last.then(() => this.#connections.use((session) => this.#scrub(session)));
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #scrub(session: Session): Promise<boolean> {
    if (await isClean(session, this.#schema)) return true;
    const isLarge = (await bytesOf(session, this.#schema)) > largeBytes;
    const beganMs = performance.now();
    if (isLarge && beganMs < this.#notBeforeMs) return false;
    if (await isDumped(session)) return false;
    try {
      await committed(session, { settings: { lock_timeout: String(longestWaitMs) } }, async () => {
        for (const table of secretTables) await rewrite(session, this.#schema, table);
        // Whoever removed a secret has committed by now, or has not begun: the tables are locked.
        await session.run(`DELETE FROM ${sqlName(this.#schema, "heed_unscrubbed")}`);
        // As late as can be: it may have begun meanwhile.
        if (await isDumped(session)) throw new QueryFailed({ code: "55P03", severity: "ERROR" });
      });
    } catch (error) {
      if (error instanceof QueryFailed && inTheWay.has(error.code)) return false;
      throw error;
    }
    const endedMs = performance.now();
    this.#notBeforeMs = endedMs + pausesPerRewrite * (endedMs - beganMs);
    return true;
  }
}
