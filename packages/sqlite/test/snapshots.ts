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
  const copy = () => {
    const size = statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0;
    if (size === last) return;
    last = size;
    const isWanted = isKept(commits);
    commits += 1;
    if (!isWanted) return;
    const to = `${file}.snapshot${files.length}`;
    // A connection of its own, so that what is not committed is not in the copy.
    const database = new DatabaseSync(file, { timeout: 1000 });
    database.exec(`VACUUM INTO '${to}'`);
    database.close();
    files.push(to);
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
