import { onTestFinished } from "vitest";
import { openDatabase } from "../src/open-database.ts";
import { untilFreeFor } from "../src/until-free.ts";
import { temporaryFile } from "./temporary-file.ts";

/** How SQLite would go about it. */
export async function planOf(...statements: readonly string[]): Promise<readonly string[]> {
  const database = await openDatabase(temporaryFile(), untilFreeFor(1000));
  onTestFinished(() => database.close());
  return statements.flatMap((sql) =>
    database
      .prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .all()
      .map((step) => String(step["detail"])),
  );
}
