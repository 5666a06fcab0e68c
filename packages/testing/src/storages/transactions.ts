import { systemClock } from "@heed/core";
import type { HeedStorage, Query, Write } from "@heed/core/storage";

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
