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

/** The connection string of a database of that name, made empty. */
export async function createDatabase(name = `heed_${randomBytes(6).toString("hex")}`): Promise<string> {
  const server = new URL(inject("postgres").url);
  const client = new pg.Client({ connectionString: server.href });
  await client.connect();
  await client.query(`CREATE DATABASE ${name}`);
  await client.end();
  server.pathname = `/${name}`;
  return server.href;
}
