import type { DatabaseSync } from "node:sqlite";
import { tableNames } from "./schema.ts";

const ofHeed = `FROM sqlite_stat1 WHERE tbl IN (${tableNames.map((table) => `'heed_${table}'`).join(", ")})`;

/** Whether something was noted of heed's tables: see {@link forgetStatistics}. */
export function isAnalyzed(database: DatabaseSync): boolean {
  const exists = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_stat1'").get();
  return exists !== undefined && database.prepare(`SELECT 1 ${ofHeed}`).get() !== undefined;
}

/**
 * Removes what `ANALYZE` (and so `PRAGMA optimize`) has noted of heed's tables: taken while they were small, it makes
 * SQLite read them whole once they are large, at every choice. Without it SQLite goes by the indexes, which heed's
 * queries are made for. What was noted of the application's own tables stays. Belongs inside a transaction that writes.
 */
export function forgetStatistics(database: DatabaseSync): void {
  if (!isAnalyzed(database)) return;
  database.exec(`DELETE ${ofHeed}`);
  // Has this connection read them anew: https://sqlite.org/lang_analyze.html
  database.exec("ANALYZE sqlite_schema");
}
