import { DatabaseSync } from "node:sqlite";
import { setTimeout as timer } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { startChild } from "../test/child.ts";
import { temporaryFile } from "../test/temporary-file.ts";

/** What is in the file, read by SQLite itself after the process that wrote it was killed. */
function stored(file: string): { subjects: readonly string[]; keys: readonly string[]; committed: number } {
  const database = new DatabaseSync(file);
  try {
    expect(database.prepare("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
    const column = (sql: string) =>
      database
        .prepare(sql)
        .all()
        .map((row) => String(row["v"]));
    return {
      subjects: column("SELECT id AS v FROM heed_subjects ORDER BY id"),
      keys: column("SELECT owner AS v FROM heed_dataKeys ORDER BY owner"),
      committed: Number(column("SELECT arrival AS v FROM heed_limits")[0] ?? 0),
    };
  } finally {
    database.close();
  }
}

describe("a process killed at any instant", () => {
  it("has lost nothing that it acknowledged, and left no half transaction", async () => {
    const file = temporaryFile();
    const acknowledged: string[] = [];
    for (let round = 0; round < 10; round += 1) {
      const child = startChild("commit-until-killed.ts", file, String(round * 1_000_000));
      await child.printed(1);
      const killedAfterMs = Math.random() * 60;
      await timer(killedAfterMs);
      await child.kill();
      acknowledged.push(...child.lines);

      const { subjects, keys, committed } = stored(file);
      const present = new Set(subjects);
      const lost = acknowledged.filter((id) => !present.has(id));
      expect({ round, killedAfterMs, lost }).toEqual({ round, killedAfterMs, lost: [] });
      expect(keys).toEqual(subjects);
      expect(committed).toBe(subjects.length);
    }
    expect(acknowledged.length).toBeGreaterThan(20);
  }, 60_000);
});
