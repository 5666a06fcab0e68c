import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { HeedStorage } from "@heed/core";
import { sqlite } from "@heed/sqlite";

/** Where a storage that is measured lies: text, so that a child process can open it, too. */
export interface Place {
  readonly kind: "sqlite";
  readonly at: string;
}

export function openStorage({ at }: Place): HeedStorage {
  return sqlite(at);
}

/** Works in a folder that is gone afterwards. On the disk of the system's temporary files. */
export async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "heed-bench-"));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
