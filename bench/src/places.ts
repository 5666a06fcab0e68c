import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { HeedStorage } from "@heed/core";
import { postgres } from "@heed/postgres";
import { sqlite } from "@heed/sqlite";
import { startPostgres } from "../../packages/postgres/test/start-postgres.ts";

/** Where a storage that is measured lies: data, so that a child process can open it, too. */
export type Place =
  | { readonly kind: "sqlite"; readonly file: string }
  | { readonly kind: "postgres"; readonly url: string; readonly schema: string };

export function openStorage(place: Place): HeedStorage {
  return place.kind === "sqlite"
    ? sqlite(place.file)
    : postgres({ connectionString: place.url, schema: place.schema });
}

/** Works with a new storage of its own, which is gone afterwards, and a folder on the same disk. */
export async function inPlace<T>(
  kind: Place["kind"],
  work: (place: Place, folder: string) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "heed-bench-"));
  try {
    if (kind === "sqlite") return await work({ kind, file: join(folder, "heed.db") }, folder);
    const server = await startPostgres();
    try {
      const schema = `heed_${randomBytes(4).toString("hex")}`;
      const storage = postgres({ connectionString: server.url, schema });
      await storage.migrate();
      await storage.close();
      return await work({ kind, url: server.url, schema }, folder);
    } finally {
      await server.stop();
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}
