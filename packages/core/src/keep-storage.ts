import { asked, text } from "./asked.ts";
import type { HeedStorage } from "./contract/storage.ts";
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

/** @throws UnsupportedOperationError where the storage has back-ups of its own */
export async function backUp(storage: HeedStorage, ask: BackupAsk): Promise<void> {
  const { to, keysTo } = asked(ask, "backup", "{ to }");
  text(to, "backup", "to");
  if (keysTo !== undefined) text(keysTo, "backup", "keysTo");
  if (storage.backup === undefined)
    throw new UnsupportedOperationError(
      `The storage "${storage.name}" makes no back-ups through heed. Use those of its own server: for PostgreSQL, base back-ups with an archived write-ahead log (pg_basebackup), or pg_dump.`,
    );
  await storage.backup(to, keysTo);
}

/** What a storage without a migration needs, it makes itself at its first use. */
export async function migrateStorage(storage: HeedStorage): Promise<{ readonly added: readonly string[] }> {
  return storage.migrate === undefined ? { added: [] } : storage.migrate();
}
