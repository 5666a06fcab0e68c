import { systemClock } from "../system-clock.ts";
import type { HeedStorage } from "../contract/storage.ts";
import { tables, type Row, type TableName } from "../contract/tables.ts";
import type { Keyring } from "./keyring.ts";
import { open } from "./sealed.ts";

/** Where a text was found. */
export interface StorageFind {
  readonly table: string;
  readonly column: string;
  /** True when the column is sealed and was opened with the keys. */
  readonly sealed: boolean;
}

/**
 * Searches everything that heed stores for a text, whatever its case: clear columns as they are, sealed ones
 * opened with every data key that the keyring can unwrap. For tests with canaries, and to see for oneself
 * what an erasure left. Reads all rows: not for a large storage in production.
 */
export async function searchStorage(
  storage: HeedStorage,
  keys: Keyring,
  text: string,
): Promise<readonly StorageFind[]> {
  const all = <T extends TableName>(table: T) =>
    storage.transact({
      lock: [],
      clock: systemClock,
      read: { rows: { from: table, where: {} } as never },
      decide: (read) => ({ writes: [], answer: (read as { rows: readonly Row<T>[] }).rows }),
    });
  const wrapped = await all("dataKeys");
  const dataKeys = wrapped.map((row) => keys.unwrap(row.wrapped, row.keyId, row.owner));
  const wanted = text.toLowerCase();
  const found: StorageFind[] = [];
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Object.keys forgets the names of a constant
  for (const table of Object.keys(tables) as TableName[]) {
    for (const row of await all(table)) {
      const context = `${table}/${tables[table].key.map((column) => String(Reflect.get(row, column))).join("/")}`;
      for (const [column, value] of Object.entries(row)) {
        const isSealed = value instanceof Uint8Array && table !== "dataKeys";
        const read = isSealed
          ? opened(dataKeys, value, context)
          : value instanceof Uint8Array
            ? ""
            : String(value);
        if (read.toLowerCase().includes(wanted)) found.push({ table, column, sealed: isSealed });
      }
    }
  }
  return found;
}

function opened(dataKeys: readonly Uint8Array[], sealed: Uint8Array, context: string): string {
  for (const key of dataKeys) {
    try {
      return open(key, sealed, context);
    } catch {
      // Another key's.
    }
  }
  return "";
}
