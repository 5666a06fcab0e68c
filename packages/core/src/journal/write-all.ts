import type { Clock } from "../contract/clock.ts";
import type { Decision, HeedStorage, Write } from "../contract/storage.ts";

/** Commits writes that depend on nothing that is read; nothing where there are none. */
export async function writeAll(storage: HeedStorage, clock: Clock, writes: readonly Write[]): Promise<void> {
  if (writes.length === 0) return;
  const decide = (): Decision<void> => ({ writes, answer: undefined });
  await storage.transact({ lock: [], read: {}, clock, decide });
}
