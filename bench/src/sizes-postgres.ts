import { Connections } from "../../packages/postgres/src/connections.ts";
import { postgres } from "../../packages/postgres/src/index.ts";
import { startPostgres } from "../../packages/postgres/test/start-postgres.ts";
import type { MeasuredPlace, TableSize } from "./measured-place.ts";

/** Tables of heed and of pg-boss, and their indexes. */
const relations = `
  SELECT n.nspname AS schema, c.relname AS "table", pg_table_size(c.oid) AS bytes,
    (SELECT coalesce(json_agg(json_build_array(x.relname, pg_relation_size(x.oid), s.idx_scan) ORDER BY x.relname), '[]')
     FROM pg_index AS i JOIN pg_class AS x ON x.oid = i.indexrelid
     JOIN pg_stat_all_indexes AS s ON s.indexrelid = x.oid WHERE i.indrelid = c.oid)::text AS indexes
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname IN ('heed', 'heed_boss') AND c.relkind = 'r' ORDER BY 1, 2`;

const touched = `
  SELECT relname AS "table", coalesce(heap_blks_read + heap_blks_hit, 0) + coalesce(idx_blks_read + idx_blks_hit, 0)
    + coalesce(toast_blks_read + toast_blks_hit, 0) AS pages
  FROM pg_statio_user_tables WHERE schemaname = 'heed'`;

/** A server of its own, gone afterwards. */
export async function openPostgres(): Promise<MeasuredPlace> {
  const server = await startPostgres();
  const connections = new Connections({ connectionString: server.url }, 1);
  const rows = (sql: string) => connections.use(async (session) => (await session.run(sql, [])).rows);
  const storage = postgres({ connectionString: server.url });
  await storage.migrate();
  async function sizesAfter(tidying: string): Promise<readonly TableSize[]> {
    await rows(tidying);
    const tables: TableSize[] = [];
    for (const row of await rows(relations)) {
      const name = String(row["table"]);
      const [counted] = await rows(`SELECT count(*) AS rows FROM "${String(row["schema"])}"."${name}"`);
      const indexes = JSON.parse(String(row["indexes"])) as readonly [string, number, number][];
      tables.push({
        table: row["schema"] === "heed" ? name : `pg-boss ${name}`,
        rows: Number(counted?.["rows"]),
        tableBytes: Number(row["bytes"]),
        indexes: indexes.map(([name, bytes, scans]) => ({ name, bytes, scans })),
      });
    }
    return tables;
  }
  return {
    storage,
    sizes: () => sizesAfter("VACUUM (ANALYZE)"),
    packed: () => sizesAfter("VACUUM (FULL, ANALYZE)"),
    async logBytes() {
      const [row] = await rows("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') AS bytes");
      return Number(row?.["bytes"]);
    },
    async pagesTouched() {
      // A server process that has become idle tells what it has done within ten seconds.
      await new Promise((resolve) => setTimeout(resolve, 11_000));
      return new Map((await rows(touched)).map((row) => [String(row["table"]), Number(row["pages"])]));
    },
    async close() {
      await storage.close();
      await connections.close();
      await server.stop();
    },
  };
}
