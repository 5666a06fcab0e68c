import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A path for a database, in a directory of its own that goes with the test. */
export function temporaryFile(name = "heed.db"): string {
  const directory = mkdtempSync(join(tmpdir(), "heed-sqlite-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return join(directory, name);
}
