import { mkdtempSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sqlite } from "@heed/sqlite";
import type { MeasuredPlace, TableSize } from "./measured-place.ts";

/** Pages by what they belong to. `dbstat` reads the whole file. */
const pages = `
  SELECT s.tbl_name AS "table", s.type, s.name, sum(d.pgsize) AS bytes
  FROM dbstat AS d JOIN sqlite_schema AS s ON s.name = d.name
  WHERE s.tbl_name LIKE 'heed\\_%' ESCAPE '\\' GROUP BY s.name`;

function sizesOf(file: string): readonly TableSize[] {
  const database = new DatabaseSync(file);
  try {
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    const parts = database.prepare(pages).all();
    return [...Map.groupBy(parts, (part) => String(part["table"]))].map(([table, parts]) => {
      const bytes = (type: string) => parts.filter((part) => part["type"] === type);
      const { rows } = database.prepare(`SELECT count(*) AS rows FROM "${table}"`).get() ?? {};
      return {
        table: table.replace("heed_", ""),
        rows: Number(rows),
        tableBytes: bytes("table").reduce((sum, part) => sum + Number(part["bytes"]), 0),
        indexes: bytes("index").map((part) => ({ name: String(part["name"]), bytes: Number(part["bytes"]) })),
      };
    });
  } finally {
    database.close();
  }
}

/** A file in the system's temporary directory, gone afterwards. */
export async function openSqlite(): Promise<MeasuredPlace> {
  const folder = mkdtempSync(join(tmpdir(), "heed-sizes-"));
  const file = join(folder, "heed.db");
  const storage = sqlite(file);
  return {
    storage,
    sizes: async () => sizesOf(file),
    logBytes: async () => undefined,
    pagesTouched: async () => undefined,
    close: async () => {
      await storage.close();
      rmSync(folder, { recursive: true });
    },
  };
}
