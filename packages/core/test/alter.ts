import { randomUUID } from "node:crypto";
import type { Clock } from "../src/contract/clock.ts";
import type { HeedStorage, Write } from "../src/contract/storage.ts";
import type { Row, TableName } from "../src/contract/tables.ts";

/** Somebody with access to the storage, and no key, changes it. */
export async function alter(storage: HeedStorage, clock: Clock, ...writes: readonly Write[]): Promise<void> {
  await storage.transact({ lock: [], clock, read: {}, decide: () => ({ writes, answer: undefined }) });
}

/** Puts a table back as it was. */
export async function restore<T extends TableName>(
  storage: HeedStorage,
  clock: Clock,
  table: T,
  rows: readonly Row<T>[],
): Promise<void> {
  await alter(
    storage,
    clock,
    { remove: table, where: {} },
    ...rows.map((row) => ({ insert: table, row }) as unknown as Write),
  );
}

/** Entries that wait to be sealed, as if so many transactions had committed. */
export async function addEvidence(
  storage: HeedStorage,
  clock: Clock,
  count: number,
  more: Partial<Row<"evidence">> = {},
): Promise<void> {
  const rows = Array.from({ length: count }, (_, index): Row<"evidence"> => ({
    id: randomUUID(),
    namespace: "default",
    at: clock.now().toISOString(),
    requestId: null,
    entry: `{"kind":"message.in-flight","topic":"topic-${index}"}`,
    sealedAs: null,
    salt: null,
    commitment: null,
    ...more,
  }));
  await alter(storage, clock, ...rows.map((row): Write => ({ insert: "evidence", row })));
}
