import type { Clock } from "../src/contract/clock.ts";
import type { HeedStorage } from "../src/contract/storage.ts";
import { tables, type Row, type TableName } from "../src/contract/tables.ts";

/** All rows of a table, as they lie in the storage. */
export async function storedRows<T extends TableName>(
  storage: HeedStorage,
  clock: Clock,
  table: T,
): Promise<readonly Row<T>[]> {
  return storage.transact({
    lock: [],
    clock,
    read: { all: { from: table, where: {} } as never },
    decide: (rows) => ({ writes: [], answer: (rows as { all: readonly Row<T>[] }).all }),
  });
}

/** Where a text lies in the clear, in any letter case: `table.column`, sealed bytes included. */
export async function placesOf(storage: HeedStorage, clock: Clock, text: string): Promise<readonly string[]> {
  const places = new Set<string>();
  for (const table of Object.keys(tables) as TableName[]) {
    for (const row of await storedRows(storage, clock, table)) {
      for (const [column, value] of Object.entries<unknown>(row)) {
        const read = value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : String(value);
        if (read.toLowerCase().includes(text.toLowerCase())) places.add(`${table}.${column}`);
      }
    }
  }
  return [...places];
}
