import { systemClock } from "@heed/core";
import { tables, type HeedStorage, type Query, type Row, type Write } from "@heed/core/storage";

/** Commits the writes, or joins `within`. */
export async function write(
  storage: HeedStorage,
  writes: readonly Write[],
  within?: unknown,
  lock: readonly string[] = ["test"],
): Promise<void> {
  await storage.transact({
    lock,
    read: {},
    clock: systemClock,
    decide: () => ({ writes, answer: undefined }),
    within,
  });
}

/** Reads one query. */
export async function read(storage: HeedStorage, query: Query): Promise<readonly unknown[]> {
  return storage.transact({
    lock: [],
    read: { found: query },
    clock: systemClock,
    decide: ({ found }) => ({ writes: [], answer: found }),
  });
}

export function subject(id: string): Write {
  const row = { id, namespace: "acme", createdAt: "2026-06-01T00:00:00.000Z", frozenBy: null };
  return { insert: "subjects", row };
}

export function dataKey(owner: string, wrapped: Uint8Array): Write {
  return { insert: "dataKeys", row: { owner, wrapped, keyId: "k1" } };
}

/** An instant so many milliseconds from now. */
export function inMs(ms: number): string {
  return new Date(Date.now() + ms).toISOString();
}

/** A step of the processor `crm` that has been due for a second, with what is given. */
export function step(id: string, given: Partial<Row<"steps">> = {}): Write {
  const blank = Object.entries(tables.steps.columns).map(([column, type]) => [
    column,
    type.endsWith("?") ? null : type === "text" ? "-" : 0,
  ]);
  const usual = { id, namespace: "acme", processor: "crm", state: "due", dueAt: inMs(-1_000), lane: 1 };
  return { insert: "steps", row: { ...Object.fromEntries(blank), ...usual, ...given } as Row<"steps"> };
}

/** Changes one step. */
export function set(id: string, set: Partial<Row<"steps">>): Write {
  return { update: "steps", where: { id }, set };
}

/** Ids of the steps that a worker would be told now. */
export async function due(storage: HeedStorage, max = 100): Promise<readonly string[]> {
  return (await storage.due({ namespace: "acme", now: inMs(0), max })).map(({ id }) => id);
}
