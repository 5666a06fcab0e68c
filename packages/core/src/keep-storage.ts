import { asked, text } from "./asked.ts";
import type { Clock } from "./contract/clock.ts";
import type { Decision, HeedStorage } from "./contract/storage.ts";
import { InvalidInputError } from "./errors/invalid-input-error.ts";
import { UnsupportedOperationError } from "./errors/unsupported-operation-error.ts";

/** Where a back-up goes. */
export interface BackupAsk {
  /** The new file. Nothing is overwritten. */
  readonly to: string;
  /**
   * The new file for the data keys, where the storage keeps them in a file of their own. Without it they are not
   * copied, and the back-up can be read only beside them.
   */
  readonly keysTo?: string;
}

/**
 * @throws UnsupportedOperationError where the storage has back-ups of its own
 * @throws InvalidInputError when both would be one file
 */
export async function backUp(storage: HeedStorage, ask: BackupAsk): Promise<void> {
  const { to, keysTo } = asked(ask, "backup", "{ to }", { to: true, keysTo: true });
  text(to, "backup", "to");
  if (keysTo !== undefined) text(keysTo, "backup", "keysTo");
  if (keysTo === to) {
    throw new InvalidInputError("The data keys need a new file of their own: `keysTo` is the same as `to`.", {
      issues: [{ path: "keysTo", message: "the same file" }],
    });
  }
  if (storage.backup === undefined)
    throw new UnsupportedOperationError(
      `The storage "${storage.name}" makes no back-ups through heed. Use those of its own server: for PostgreSQL, base back-ups with an archived write-ahead log (pg_basebackup), or pg_dump.`,
    );
  await storage.backup(to, keysTo);
}

/** A storage without a migration makes what it needs at its first use: that is now, and tells what is wrong with it. */
export async function migrateStorage(
  storage: HeedStorage,
  clock: Clock,
): Promise<{ readonly added: readonly string[] }> {
  if (storage.migrate !== undefined) return storage.migrate();
  const decide = (): Decision<void> => ({ writes: [], answer: undefined });
  await storage.transact({ lock: [], read: {}, clock, decide });
  return { added: [] };
}
