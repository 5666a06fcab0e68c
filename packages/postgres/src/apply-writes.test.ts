import type { Write } from "@heed/core/storage";
import { describe, expect, it } from "vitest";
import { set, step, subject } from "../test/transactions.ts";
import { preparedWrites } from "./apply-writes.ts";
import { Session } from "./session.ts";

/** The statements that would be sent. */
async function statements(writes: readonly Write[]): Promise<readonly string[]> {
  const sent: string[] = [];
  const session = new Session(async (sql) => {
    const parts = sql.matchAll(/(INSERT INTO|UPDATE|DELETE FROM) "heed"\."(\w+)"/g);
    sent.push([...parts].map(([, what, table]) => `${what} ${table}`).join(", "));
    return { rows: [] };
  }, true);
  await preparedWrites("heed", writes, true)(session);
  return sent;
}

const evidence = (id: string): Write => ({
  insert: "evidence",
  row: {
    id,
    namespace: "acme",
    at: "-",
    requestId: null,
    entry: "{}",
    sealedAs: null,
    salt: null,
    commitment: null,
  },
});

describe("writes", () => {
  it("of a settled batch become one statement for each table and kind", async () => {
    const ids = Array.from({ length: 50 }, (_, n) => `s${n}`);
    const settled = ids.flatMap((id) => [set(id, { state: "verified", dueAt: null }), evidence(id)]);
    expect(await statements(settled)).toEqual(["UPDATE steps", "INSERT INTO evidence"]);
    expect(await statements([...ids.map((id) => step(id)), ...ids.map((id) => subject(id))])).toEqual([
      "INSERT INTO subjects, INSERT INTO steps",
    ]);
  });

  it("that insert go together past others of other tables, and never past what reads or changes theirs", async () => {
    const frozen = { update: "subjects", where: { id: "x" }, set: { frozenBy: "r" } } as const;
    expect(await statements([subject("a"), set("s", { state: "due" }), evidence("e")])).toEqual([
      "INSERT INTO subjects, INSERT INTO evidence",
      "UPDATE steps",
    ]);
    expect(await statements([evidence("e"), frozen, subject("a")])).toEqual([
      "INSERT INTO evidence",
      "UPDATE subjects",
      "INSERT INTO subjects",
    ]);
    const ofSubjects = { via: "subjects", column: "id", where: {} } as const;
    const reading = { update: "steps", where: { subjectId: ofSubjects }, set: { cancel: 1 } } as const;
    expect(await statements([evidence("e"), reading, subject("a")])).toEqual([
      "INSERT INTO evidence",
      "UPDATE steps",
      "INSERT INTO subjects",
    ]);
  });

  it("of one row stay apart, for of two in one statement PostgreSQL carries out either", async () => {
    const twice = [set("a", { state: "due" }), set("b", { state: "due" }), set("a", { state: "waiting" })];
    expect(await statements(twice)).toEqual(["UPDATE steps", "UPDATE steps"]);
  });

  it("that remove a secret leave a note for scrub, and others leave none", async () => {
    expect(await statements([{ remove: "dataKeys", where: {} }])).toHaveLength(2);
    expect(await statements([{ remove: "subjects", where: {} }])).toHaveLength(1);
  });
});
