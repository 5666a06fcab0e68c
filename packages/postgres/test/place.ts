import { randomBytes } from "node:crypto";
import type pg from "pg";
import { inject, onTestFinished } from "vitest";
import { postgres, type PostgresOptions, type PostgresStorage } from "../src/postgres.ts";
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
