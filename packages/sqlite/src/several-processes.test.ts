import { DatabaseSync } from "node:sqlite";
import { describe, expect, it, onTestFinished } from "vitest";
import { startChild } from "../test/child.ts";
import { temporaryFile } from "../test/temporary-file.ts";
import { sqlite } from "./sqlite.ts";

function valueIn(file: string, sql: string): unknown {
  const database = new DatabaseSync(file, { readOnly: true });
  onTestFinished(() => database.close());
  return Object.values(database.prepare(sql).get() ?? {})[0];
}

describe("several processes on one file", () => {
  it("lose no increment of one counter", async () => {
    const file = temporaryFile();
    const children = [1, 2].map(() => startChild("increment.ts", file, "200"));
    await Promise.all(children.map((child) => child.ended()));
    expect(valueIn(file, "SELECT arrival FROM heed_limits")).toBe(400);
  }, 60_000);

  it("make the tables of a fresh file once, however many open it together", async () => {
    const alone = temporaryFile();
    const storage = sqlite(alone);
    await storage.due({ namespace: "acme", now: "2026-06-01T00:00:00.000Z", max: 1 });
    await storage.close();

    const file = temporaryFile();
    const children = Array.from({ length: 4 }, () => startChild("open-when-told.ts", file));
    await Promise.all(children.map((child) => child.printed(1)));
    for (const child of children) child.goOn();
    await Promise.all(children.map((child) => child.ended()));

    // SQLite counts every change of the schema.
    expect(valueIn(file, "PRAGMA schema_version")).toBe(valueIn(alone, "PRAGMA schema_version"));
    expect(valueIn(file, "SELECT count(*) FROM heed_schema")).toBe(1);
  }, 60_000);
});
