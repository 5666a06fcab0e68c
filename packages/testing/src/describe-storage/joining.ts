import { expect } from "vitest";
import { insertOf, read, refusal, type Bench, type StorageCase } from "./storage-case.ts";

const now = "2026-06-01T12:00:00.000Z";

/** What heed writes for one choice: a row of the person, and a step that is due. */
async function recordWithin({ storage, clock }: Bench, within: unknown, id = "a"): Promise<void> {
  const step = insertOf("steps", { id, namespace: "acme", state: "due", dueAt: now });
  const writes = [insertOf("subjects", { id }), step];
  await storage.transact({
    lock: [],
    read: {},
    clock,
    decide: () => ({ writes, answer: undefined }),
    within,
  });
}

async function stored(bench: Bench): Promise<readonly number[]> {
  const subjects = await read(bench, { from: "subjects", where: {} });
  const due = await bench.storage.due({ namespace: "acme", now, max: 10 });
  return [subjects.length, due.length];
}

/** What only a storage can promise that joins the application's own transaction. */
export const joining: readonly StorageCase[] = [
  {
    promise: "commits with the application's transaction, its own row included",
    async run(bench) {
      const application = await bench.begin();
      await recordWithin(bench, application.within);
      await application.commit();
      expect([await application.ownRows(), ...(await stored(bench))]).toEqual([1, 1, 1]);
    },
  },
  {
    promise: "leaves nothing when the application rolls back",
    async run(bench) {
      const application = await bench.begin();
      await recordWithin(bench, application.within);
      await application.rollback();
      expect([await application.ownRows(), ...(await stored(bench))]).toEqual([0, 0, 0]);
    },
  },
  {
    promise: "leaves the application's transaction alone when it fails itself",
    async run(bench) {
      const application = await bench.begin();
      await recordWithin(bench, application.within);
      expect(await refusal(recordWithin(bench, application.within))).toMatchObject({ code: "duplicate-row" });
      await application.commit();
      expect([await application.ownRows(), ...(await stored(bench))]).toEqual([1, 1, 1]);
    },
  },
  {
    promise: "refuses what is no transaction",
    async run(bench) {
      for (const within of [{}, null, "transaction"]) {
        expect(await refusal(recordWithin(bench, within))).toBeInstanceOf(TypeError);
      }
      expect(await stored(bench)).toEqual([0, 0]);
    },
  },
];
