import { HeedError, type TableName } from "@heed/core/storage";
import { PgBoss } from "pg-boss";
import type { Connections } from "./connections.ts";
import type { Queues } from "./delivery/queues.ts";
import { lockKey } from "./locks.ts";
import type { Migrated } from "./migrated.ts";
import { QueryFailed, notMigrated } from "./postgres-error.ts";
import { committed } from "./run-transaction.ts";
import {
  createPrivateTables,
  createTable,
  declaration,
  definitionOf,
  fingerprint,
  identifier,
  namedIndexes,
  keepOutOfStatistics,
  sqlName,
  sqlType,
  tableNames,
} from "./schema.ts";
import type { Session } from "./session.ts";

/** Which installation this is: an id that was drawn when its schema was made. Undefined before that. */
export async function installationOf(session: Session, schema: string): Promise<string | undefined> {
  const { rows } = await session.run(
    `SELECT installation::text AS installation FROM ${sqlName(schema, "heed_schema")} LIMIT 1`,
  );
  return rows[0] === undefined ? undefined : String(rows[0]["installation"]);
}

/** The installation, if this version has migrated it: another one that did so later took nothing away. */
async function servedInstallation(session: Session, schema: string): Promise<string | undefined> {
  const { rows } = await session.run(
    `SELECT installation::text AS installation FROM ${sqlName(schema, "heed_schema")} WHERE fingerprint = $1`,
    [fingerprint],
  );
  return rows[0] === undefined ? undefined : String(rows[0]["installation"]);
}

/** @throws HeedError `storage-schema` unless the tables serve this version. @returns the installation */
export async function assertServed(session: Session, schema: string): Promise<string> {
  const installation = await servedInstallation(session, schema);
  if (installation === undefined) throw notMigrated();
  return installation;
}

function refuse(table: TableName, column: string, problem: string): HeedError {
  return new HeedError(`The database's ${table}.${column} ${problem}.`, { code: "storage-schema" });
}

/**
 * Adds what the table lacks. What it has must be as declared: nothing is rewritten, and nothing dropped.
 * @param isServed this version was here before: what it does not know, a newer one has added since
 */
async function bringForward(
  session: Session,
  schema: string,
  table: TableName,
  isServed: boolean,
): Promise<readonly string[]> {
  const { rows } = await session.run(
    `SELECT column_name AS name, data_type AS type, is_nullable AS nullable, collation_name AS collation
     FROM information_schema.columns WHERE table_schema = $1 AND table_name = $2`,
    [schema, table],
  );
  if (rows.length === 0) {
    await session.run(createTable(schema, table));
    for (const statement of keepOutOfStatistics(schema, table)) await session.run(statement);
    return [table];
  }
  const present = new Map(rows.map((row) => [String(row["name"]), row]));
  const added: string[] = [];
  for (const [column, type] of Object.entries(definitionOf(table).columns)) {
    const found = present.get(column);
    present.delete(column);
    if (found === undefined) {
      await session.run(`ALTER TABLE ${sqlName(schema, table)} ADD COLUMN ${declaration(column, type)}`);
      added.push(`${table}.${column}`);
    } else if (
      found["type"] !== sqlType(type) ||
      (found["nullable"] === "YES") !== type.endsWith("?") ||
      (sqlType(type) === "text" && found["collation"] !== "C")
    ) {
      throw refuse(table, column, "is declared differently");
    }
  }
  for (const column of isServed ? [] : present.keys()) {
    throw refuse(table, column, "is unknown: a newer heed has written it. Update @heed/postgres");
  }
  return added;
}

async function addIndexes(session: Session, schema: string, table: TableName): Promise<readonly string[]> {
  const { rows } = await session.run(
    "SELECT indexname AS name FROM pg_indexes WHERE schemaname = $1 AND tablename = $2",
    [schema, table],
  );
  const present = new Set(rows.map((row) => String(row["name"])));
  const missing = namedIndexes(schema, table).filter(({ name }) => !present.has(name));
  for (const { create } of missing) await session.run(create);
  return missing.map(({ name }) => name);
}

/** Makes heed's tables, or brings those of an earlier version forward, all of it or nothing. */
async function migrateTables(session: Session, schema: string): Promise<readonly string[]> {
  return committed(session, {}, async () => {
    const added: string[] = [];
    await session.run(`CREATE SCHEMA IF NOT EXISTS ${identifier(schema)}`);
    for (const statement of createPrivateTables(schema)) await session.run(statement);
    const isServed = (await servedInstallation(session, schema)) !== undefined;
    for (const table of tableNames) {
      added.push(...(await bringForward(session, schema, table, isServed)));
      added.push(...(await addIndexes(session, schema, table)));
    }
    const stamp = sqlName(schema, "heed_schema");
    await session.run(
      `INSERT INTO ${stamp} SELECT $1, coalesce((SELECT installation FROM ${stamp} LIMIT 1), gen_random_uuid())` +
        ` WHERE NOT EXISTS (SELECT FROM ${stamp} WHERE fingerprint = $1)`,
      [fingerprint],
    );
    return added;
  });
}

/** Installs pg-boss, or brings it forward. */
async function migrateDelivery({ forBoss }: Connections, schema: string): Promise<void> {
  const boss = new PgBoss({ ...forBoss, schema, max: 1, migrate: true, supervise: false, schedule: false });
  // What fails is thrown by the calls below.
  boss.on("error", () => {});
  try {
    await boss.start();
  } catch (error) {
    throw new QueryFailed(error);
  } finally {
    await boss.stop({ graceful: false });
  }
}

/**
 * Makes what the storage needs in the database, or brings an earlier version's forward: missing tables,
 * columns and indexes are added, and pg-boss's own schema is installed or migrated. One process does it at a
 * time, others wait. Does nothing where nothing is missing, and takes nothing away, so workers of the version
 * before go on, and can be started again.
 *
 * @throws HeedError `storage-schema`, when the tables are those of a newer version, or none of heed's
 */
export async function migrate(
  connections: Connections,
  queues: Queues,
  schemas: { readonly schema: string; readonly delivery: string },
): Promise<Migrated> {
  return connections.use(async (session) => {
    const key = lockKey(schemas.schema, "migrate");
    await session.run(`SELECT pg_advisory_lock(${key})`);
    try {
      await migrateDelivery(connections, schemas.delivery);
      await queues.makeDeadQueue();
      return { added: await migrateTables(session, schemas.schema) };
    } finally {
      await session.run(`SELECT pg_advisory_unlock(${key})`).catch(() => {});
    }
  });
}
