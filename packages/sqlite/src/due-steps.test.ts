import { describe, expect, it, onTestFinished } from "vitest";
import { temporaryFile } from "../test/temporary-file.ts";
import { openDatabase } from "./open-database.ts";
import { dueInLane, nextLane, nextProcessor } from "./due-steps.ts";
import { select } from "./sql.ts";
import { untilFreeFor } from "./until-free.ts";

/** How SQLite would go about it. */
async function plan(...statements: readonly string[]): Promise<readonly unknown[]> {
  const database = await openDatabase(temporaryFile(), untilFreeFor(1000));
  onTestFinished(() => database.close());
  return statements.flatMap((sql) =>
    database
      .prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .all()
      .map((step) => String(step["detail"])),
  );
}

describe("the plan", () => {
  it("for due steps reads the index from its beginning, and sorts nothing", async () => {
    const steps = await plan(nextProcessor, nextLane, dueInLane);
    expect(steps).toHaveLength(3);
    for (const step of steps)
      expect(step).toMatch(/^SEARCH heed_steps USING (COVERING )?INDEX heed_steps_due/);
  });

  it("for a key, a list of keys and an index searches, and never scans a table", async () => {
    const queries = [
      { from: "subjects", where: { id: "a" } },
      { from: "subjects", where: { id: ["a", "b"] } },
      { from: "dataKeys", where: { owner: ["a", "b"] } },
      { from: "suppressions", where: { digest: ["a", "b"] } },
      { from: "permits", where: { address: "a", message: "m" } },
      { from: "events", where: { subjectId: "a" } },
      { from: "steps", where: { namespace: "a", state: ["waiting", "due", "running"] }, limit: 1000 },
      {
        from: "steps",
        where: { namespace: "a", processor: "p", state: "due" },
        orderBy: ["dueAt"],
        limit: 1,
      },
      {
        from: "steps",
        where: {
          namespace: "a",
          processor: "p",
          state: "due",
          endedAt: { isNull: true },
          deadlineAt: { atMost: "t" },
        },
      },
      {
        from: "evidence",
        where: { namespace: "a", sealedAs: { above: 9 } },
        orderBy: ["sealedAs"],
        limit: 500,
      },
      {
        from: "evidence",
        where: { namespace: "a", sealedAs: { isNull: true } },
        orderBy: ["at", "id"],
        limit: 500,
      },
      { from: "permits", where: { address: ["a", "b"], state: ["given"], settledAt: { isNull: true } } },
      {
        from: "subjects",
        where: { id: { via: "identifiers", column: "subjectId", where: { digest: ["d"] } } },
      },
    ] as const;
    const steps = await plan(...queries.map((query) => select(query).sql));
    expect(steps.length).toBeGreaterThanOrEqual(queries.length);
    for (const step of steps) expect(step).not.toMatch(/SCAN (?!json_each)|TEMP B-TREE FOR ORDER BY/);
  });

  it("for what is open reads an index that holds nothing else", async () => {
    const queries = [
      {
        from: "steps",
        where: {
          namespace: "a",
          processor: "p",
          state: "due",
          endedAt: { isNull: true },
          deadlineAt: { atMost: "t" },
        },
      },
      {
        from: "evidence",
        where: { namespace: "a", sealedAs: { isNull: true } },
        orderBy: ["at", "id"],
        limit: 500,
      },
      { from: "permits", where: { address: ["a", "b"], state: ["given"], settledAt: { isNull: true } } },
    ] as const;
    for (const query of queries) {
      const [first] = await plan(select(query).sql);
      expect(first).toMatch(/USING INDEX heed_\w+_open_/);
    }
  });
});
