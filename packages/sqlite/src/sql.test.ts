import { describe, expect, it } from "vitest";
import { journaledEvidence as evidence } from "@heed/testing/private";
import { journaledCompany } from "../test/journaled.ts";
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

  it("for what only some rows have reads an index that holds those alone", async () => {
    const queries = [
      { from: "steps", where: { requestId: ["r"] } },
      {
        from: "steps",
        where: { requestId: { via: "requests", column: "id", where: { subjectId: "s" } } },
      },
      { from: "evidence", where: { requestId: "r" }, orderBy: ["at", "id"] },
      { from: "evidence", where: { namespace: "a", sealedAs: { above: 9 } }, orderBy: ["sealedAs"] },
      { from: "evidence", where: { namespace: "a", sealedAs: [7, 9] } },
      {
        from: "evidence",
        where: { namespace: "a", entry: { isNull: false }, sealedAs: { isNull: false }, at: { above: "2" } },
        orderBy: ["at"],
      },
    ] as const;
    for (const query of queries) {
      const [first] = await planOf(select(query).sql);
      expect(first).toMatch(/USING INDEX heed_\w+_set_/);
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

  it("for what a worker looks for reads no request that was closed, but for those with something parked", async () => {
    const company = journaledCompany();
    const { storage, statements } = watched(sqlite(company.base));
    const { heed, settle, rows } = company.on(company.base, { storage });
    const anna = company.person("anna@example.org");
    await heed.requests.open({ right: "erasure", identity: "signed-in", subject: anna });
    // The journal was begun with it, once and for all.
    statements.length = 0;
    await company.clock.advance(1);
    const late = await heed.subscriptions.subscribe({ subject: anna, topic: "offers", evidence });
    expect(late).toMatchObject({ parked: true });
    await settle();
    expect(await rows("parked")).toEqual([]);
    expect(await rows("events")).toHaveLength(1);
    const steps = (await planOf(...statements)).filter((step) => step.includes("heed_requests"));
    expect(steps.length).toBeGreaterThan(0);
    // By the namespace alone, it would be every request that there ever was.
    for (const step of steps) expect(step).not.toMatch(/SCAN|\(namespace=\?\)$/);
  });

  it("for a hold over one person reads that person's steps, and not all that are due", async () => {
    const company = journaledCompany();
    const { storage, statements } = watched(sqlite(company.base));
    const { heed, settle } = company.on(company.base, { storage });
    const anna = company.person("anna@example.org");
    await heed.requests.open({ right: "erasure", identity: "signed-in", subject: anna });
    statements.length = 0;
    const order = { reason: "case-1", orderedBy: "board", reviewAt: "2030-01-01T00:00:00Z" };
    const { id } = await heed.holds.place({ subject: anna, ...order });
    await heed.holds.release(id);
    const steps = (await planOf(...statements)).filter((step) => step.includes("heed_steps"));
    expect(steps.length).toBeGreaterThan(0);
    for (const step of steps) expect(step).not.toMatch(/SCAN|namespace=\?/);
    await settle();
    expect(company.rows.has(anna.email)).toBe(false);
  });

  it("for a receipt reads what is about the request, and not the whole log", async () => {
    const company = journaledCompany();
    const { storage, statements } = watched(sqlite(company.base));
    const { heed, settle } = company.on(company.base, { storage });
    const anna = company.person("anna@example.org");
    const ask = { right: "erasure", identity: "signed-in", subject: anna } as const;
    const { id } = await heed.requests.open(ask);
    await settle();
    await heed.evidence.seal();
    statements.length = 0;
    expect((await heed.requests.receipt(id)).entries.length).toBeGreaterThan(1);
    const steps = (await planOf(...statements)).filter((step) => step.includes("heed_evidence"));
    expect(steps.filter((step) => step.includes("(requestId=?)"))).toHaveLength(1);
    for (const step of steps) expect(step).not.toMatch(/SCAN|sealedAs>/);
  });

  it("for a restoration scans nothing but what the restoration itself is about", async () => {
    const company = journaledCompany();
    const live = company.on(company.base);
    const [anna, bert] = [company.person("anna@example.org"), company.person("bert@example.org")];
    const clara = company.person("clara@example.org");
    await live.heed.subscriptions.subscribe({ subject: clara, topic: "offers", evidence });
    const old = `${company.base}.old`;
    await live.storage.backup?.(old);
    for (const subject of [anna, bert])
      await live.heed.subscriptions.unsubscribe({ subject, topic: "newsletter" });
    await live.heed.subjects.record({ subject: { email: [anna.email, bert.email] }, identityVerified: true });
    await live.heed.requests.open({ right: "withdrawal", identity: "unverified", subject: anna });
    await live.heed.requests.open({ right: "erasure", identity: "signed-in", subject: clara });
    await live.settle();
    await live.heed.close();

    const { storage, queries, statements } = watched(sqlite(old));
    const { heed } = company.on(old, { storage });
    expect(await heed.restore()).toMatchObject({ choices: 3, requests: 2, erasures: 1 });
    expect(queries.map(({ from }) => from)).toContain("events");
    for (const step of await planOf(...statements))
      expect(step).not.toMatch(/SCAN (?!json_each|heed_(journal|journalMarks|restored)$)/);
  });
});
