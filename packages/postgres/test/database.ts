import { randomBytes } from "node:crypto";
import pg from "pg";
import { inject, onTestFinished } from "vitest";

/** A client beside the storage, closed when the test ends. */
export async function clientOn(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => {});
  await client.connect();
  onTestFinished(() => client.end().catch(() => {}));
  return client;
}

/** The connection string of a database of that name. */
export function databaseUrl(name: string): string {
  const server = new URL(inject("postgres").url);
  server.pathname = `/${name}`;
  return server.href;
}

/** The connection string of a database of that name, made empty. */
export async function createDatabase(name = `heed_${randomBytes(6).toString("hex")}`): Promise<string> {
  await createFrom("template1", name);
  return databaseUrl(name);
}

/** Copies a database that nobody is connected to. */
export async function copyDatabase(from: string, to: string): Promise<void> {
  await createFrom(from, to);
}

async function createFrom(template: string, name: string): Promise<void> {
  const client = new pg.Client({ connectionString: inject("postgres").url });
  await client.connect();
  await client.query(`CREATE DATABASE ${name} TEMPLATE ${template}`);
  await client.end();
}
