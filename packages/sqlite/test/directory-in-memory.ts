import { mkdtempSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

/** Linux's place for files in memory, where it has room. */
function memoryOrDisk(): string {
  try {
    const { bavail, bsize } = statfsSync("/dev/shm");
    return bavail * bsize >= 2 ** 28 ? "/dev/shm" : tmpdir();
  } catch {
    return tmpdir();
  }
}

/**
 * A directory for the tests of one file that lose no power and commit many thousand times: in memory where there is a
 * place for that, for each commit waits for a disk.
 */
export function directoryInMemory(): string {
  const directory = mkdtempSync(join(memoryOrDisk(), "heed-sqlite-"));
  afterAll(() => rmSync(directory, { recursive: true }));
  return directory;
}
