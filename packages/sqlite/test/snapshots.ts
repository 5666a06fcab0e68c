import { existsSync, readFileSync, statSync } from "node:fs";
import type { HeedStorage } from "@heed/core/storage";
import { DatabaseSync } from "node:sqlite";
import { sqlite } from "../src/sqlite.ts";

/** A storage that keeps a copy of the database after each commit that changed something. */
export interface SnapshotStorage {
  readonly storage: HeedStorage;
  /** The copies, oldest first. */
  readonly files: readonly string[];
}

/** @param isKept which of the commits, counted from 0, are kept as a copy; all by default */
export function withSnapshots(file: string, isKept: (n: number) => boolean = () => true): SnapshotStorage {
  const inner = sqlite(file);
  const files: string[] = [];
  let last = -1;
  let commits = 0;
  let copying: Promise<void> = Promise.resolve();
  // A connection of its own: it sees a change, and copies it as SQLite does.
  const copy = () => {
    const database = new DatabaseSync(file, { timeout: 1000 });
    try {
      const changed = Number(database.prepare("SELECT total_changes() AS v").get()?.["v"]);
      const version = statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? changed;
      if (version === last) return;
      last = version;
      const to = `${file}.snapshot${files.length}`;
      const kept = isKept(commits);
      commits += 1;
      if (!kept) return;
      database.exec(`VACUUM INTO '${to}'`);
      files.push(to);
    } finally {
      database.close();
    }
  };
  return {
    files,
    storage: {
      ...inner,
      async transact(transaction) {
        const answer = await inner.transact(transaction);
        copying = copying.then(copy);
        await copying;
        return answer;
      },
    },
  };
}

export function bytesOf(path: string): string {
  return existsSync(path) ? readFileSync(path, "latin1") : "";
}
