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

/** The storage in a schema of the shared database. @param migrate makes it where it is not there */
export function storageAt(schema: string, migrate = true): PostgresStorage {
  return postgres({ connectionString: inject("postgres").url, schema, migrate });
}

/**
 * One schema for tests that come one after another, each with a place of its own: emptied for each new place, for
 * making tables would take longer than what is tried out.
 *
 * @returns the schema of a place
 */
export function reusedSchema(): (place: string) => Promise<string> {
  const schema = `heed_${randomBytes(6).toString("hex")}`;
  const names = [...tableNames, "heed_unscrubbed"].map((name) => `"${schema}"."${name}"`);
  const emptied = [...names, `"${schema}_boss".job`].map((name) => `DELETE FROM ${name}`).join("; ");
  let last: string | undefined;
  return async (place) => {
    if (place === last) return schema;
    if (last === undefined) {
      const storage = storageAt(schema);
      await storage.migrate();
      await storage.close();
    }
    last = place;
    const client = new pg.Client({ connectionString: inject("postgres").url });
    await client.connect();
    await client.query(emptied);
    await client.end();
    return schema;
  };
}

/** The same for tests that need one storage at a time: it stays open, with its statements planned. */
export function emptiedStorage(): (place: string) => Promise<HeedStorage> {
  const schemaOf = reusedSchema();
  let opened: PostgresStorage | undefined;
  afterAll(() => opened?.close());
  return async (place) => {
    const schema = await schemaOf(place);
    opened ??= storageAt(schema, false);
    return untilClosed(opened);
  };
}

/** What a test leaves running has no storage any more: it would claim the steps of the next one, by a clock that stands. */
function untilClosed(storage: PostgresStorage): HeedStorage {
  let isClosed = false;
  const close = async (): Promise<void> => {
    isClosed = true;
  };
  const guarded = Object.entries(storage).map(([name, part]: [string, unknown]) => [
    name,
    typeof part !== "function"
      ? part
      : (...given: unknown[]): unknown => {
          if (isClosed) throw new Error("The test that had this storage has ended.");
          return Reflect.apply(part, storage, given);
        },
  ]);
  return { ...(Object.fromEntries(guarded) as HeedStorage), close };
}
