import { describe, expect, it } from "vitest";
import { evidence, journaledCompany } from "../test/journaled.ts";
import { planOf, watched } from "../test/plan.ts";
import { select } from "./sql.ts";
import { sqlite } from "./sqlite.ts";

/** Of very many rows, those that are open. */
const ofWhatIsOpen = [
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

describe("the plan", () => {
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
        from: "evidence",
        where: { namespace: "a", sealedAs: { above: 9 } },
        orderBy: ["sealedAs"],
        limit: 500,
      },
      ...ofWhatIsOpen,
      {
        from: "subjects",
        where: { id: { via: "identifiers", column: "subjectId", where: { digest: ["d"] } } },
      },
    ] as const;
    const steps = await planOf(...queries.map((query) => select(query).sql));
    expect(steps.length).toBeGreaterThanOrEqual(queries.length);
    for (const step of steps) expect(step).not.toMatch(/SCAN (?!json_each)|TEMP B-TREE FOR ORDER BY/);
  });

  it("for what is open reads an index that holds nothing else", async () => {
    for (const query of ofWhatIsOpen) {
      const [first] = await planOf(select(query).sql);
      expect(first).toMatch(/USING INDEX heed_\w+_open_/);
    }
  });

  it("for a permit searches, and reads no step, however many have told processors of choices", async () => {
    const company = journaledCompany();
    const { storage, queries, statements } = watched(sqlite(company.base));
    const { heed, settle } = company.on(company.base, { storage });
    const { email } = company.person("anna@example.org");
    await heed.subscriptions.subscribe({ subject: { email }, topic: "newsletter", evidence });
    await settle();
    expect(queries.map(({ from }) => from)).toContain("steps");
    queries.length = 0;
    statements.length = 0;
    for (const topic of ["newsletter", "alerts", "invoices"] as const) {
      const permit = await heed.permits.take({ topic, email, messageKey: topic });
      if (!permit.allowed) throw new Error(permit.because);
      expect(await permit.handOver()).toBe(true);
      await permit.settle("accepted");
    }
    expect(queries.map(({ from }) => from)).toContain("events");
    expect(queries.map(({ from }) => from)).not.toContain("steps");
    for (const step of await planOf(...statements)) expect(step).not.toMatch(/SCAN (?!json_each)/);
  });
});
