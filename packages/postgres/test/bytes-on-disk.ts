import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "pg";

/**
 * Everything in the files of the client's database, as the server left them after a checkpoint. The log is
 * not among them: what was written there is gone when PostgreSQL uses the file again.
 */
export async function bytesOnDisk(client: Client, directory: string): Promise<Buffer> {
  await client.query("CHECKPOINT");
  const { rows } = await client.query("SELECT oid FROM pg_database WHERE datname = current_database()");
  const files = join(directory, "base", String(rows[0]?.oid));
  return Buffer.concat(
    readdirSync(files).map((name) => {
      try {
        return readFileSync(join(files, name));
      } catch {
        // A file that was dropped in between.
        return Buffer.alloc(0);
      }
    }),
  );
}
