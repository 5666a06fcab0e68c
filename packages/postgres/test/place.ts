import { randomBytes } from "node:crypto";
import type { HeedStorage } from "@heed/core/storage";
import pg from "pg";
import { afterAll, inject, onTestFinished } from "vitest";
import { postgres, type PostgresOptions, type PostgresStorage } from "../src/postgres.ts";
import { tableNames } from "../src/schema.ts";
import { clientOn } from "./database.ts";

/** A schema of the shared database, for one test. */
export interface Place {
  readonly schema: string;
  readonly storage: PostgresStorage;
  /** A client beside the storage. */
  readonly client: pg.Client;
  /** One more instance on the same tables. */
  another(options?: Partial<PostgresOptions>): PostgresStorage;
}

/** A migrated schema, and what a test needs to look at it from outside. */
export async function newPlace(options: Partial<PostgresOptions> = {}): Promise<Place> {
  const url = options.connectionString ?? inject("postgres").url;
  const schema = `heed_${randomBytes(6).toString("hex")}`;
  const another = (more: Partial<PostgresOptions> = {}) => {
    const storage = postgres({ connectionString: url, schema, ...options, ...more });
    onTestFinished(() => storage.close());
    return storage;
  };
  const storage = another();
  await storage.migrate();
  return { schema, storage, client: await clientOn(url), another };
}

/** The storage in a schema of the shared database, made where it is not there. */
export function storageAt(schema: string): PostgresStorage {
  return postgres({ connectionString: inject("postgres").url, schema, migrate: true });
}

/**
 * One storage for tests that need an empty one after another: it is emptied instead of closed and made anew, for
 * making tables and planning statements would take longer than what is tried out.
 */
export function emptiedStorage(): () => Promise<HeedStorage> {
  const schema = `heed_${randomBytes(6).toString("hex")}`;
  const opened: PostgresStorage[] = [];
  afterAll(async () => {
    for (const storage of opened) await storage.close();
  });
  return async () => {
    const storage = opened[0] ?? storageAt(schema);
    if (opened.length === 0) {
      opened.push(storage);
      await storage.migrate();
    }
    const names = [...tableNames, "heed_unscrubbed"].map((name) => `"${schema}"."${name}"`);
    const emptied = [...names, `"${schema}_boss".job`].map((name) => `DELETE FROM ${name}`);
    const client = new pg.Client({ connectionString: inject("postgres").url });
    await client.connect();
    await client.query(emptied.join("; "));
    await client.end();
    return { ...storage, close: async () => {} };
  };
}
