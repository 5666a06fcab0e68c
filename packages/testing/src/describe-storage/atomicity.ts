import { inspect } from "node:util";
import { isHeedError, type Write } from "@heed/core/storage";
import { expect } from "vitest";
import { insertOf, read, refusal, rowOf, write, type Bench, type StorageCase } from "./storage-case.ts";

/** Three rows over three tables, so that a case can see each kind of change undone. */
const before: readonly Write[] = [
  insertOf("subjects", { id: "kept" }),
  insertOf("limits", { bucket: "kept", arrival: 7 }),
  insertOf("permits", { id: "kept", address: "a", message: "m" }),
];

const changes: readonly Write[] = [
  insertOf("subjects", { id: "new" }),
  { update: "limits", where: { bucket: "kept" }, set: { arrival: 8 } },
  { remove: "subjects", where: { id: "kept" } },
];

async function expectOnlyBefore(bench: Bench): Promise<void> {
  const subjects = await read(bench, { from: "subjects", where: {} });
  const limits = await read(bench, { from: "limits", where: {} });
  const permits = await read(bench, { from: "permits", where: {} });
  expect(subjects.map(({ id }) => id)).toEqual(["kept"]);
  expect(limits.map(({ arrival }) => arrival)).toEqual([7]);
  expect(permits.map(({ id }) => id)).toEqual(["kept"]);
}

/** Refuses `last` when it comes after good writes, and sees that none of them stayed. */
function leavesNothing(promise: string, last: unknown, sees: (error: unknown) => void): StorageCase {
  return {
    promise,
    async run(bench) {
      await write(bench, ...before);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- some are mistakes that the compiler would catch
      sees(await refusal(write(bench, ...changes, last as Write)));
      await expectOnlyBefore(bench);
    },
  };
}

const isConflict = (error: unknown) => expect(isHeedError(error) && error.name).toBe("ConflictError");
const isMistake = (error: unknown) => expect(error).toBeInstanceOf(TypeError);
const { createdAt: _left, ...incomplete } = rowOf("subjects", { id: "x" });

/** All of a transaction, or nothing. */
export const atomicity: readonly StorageCase[] = [
  {
    promise: "commits over several tables together",
    async run(bench) {
      await write(bench, ...before);
      await write(bench, ...changes);
      expect((await read(bench, { from: "subjects", where: {} })).map(({ id }) => id)).toEqual(["new"]);
      expect((await read(bench, { from: "limits", where: {} }))[0]?.arrival).toBe(8);
    },
  },
  {
    promise: "leaves nothing of a decision that throws, and hands on what it threw",
    async run(bench) {
      await write(bench, ...before);
      const thrown = new Error("changed my mind");
      const { storage, clock } = bench;
      const decide = () => {
        throw thrown;
      };
      expect(await refusal(storage.transact({ lock: [], read: {}, clock, decide }))).toBe(thrown);
      await expectOnlyBefore(bench);
    },
  },
  leavesNothing("leaves nothing when a key is taken", insertOf("subjects", { id: "new" }), isConflict),
  leavesNothing(
    "leaves nothing when a unique rule is broken",
    insertOf("permits", { id: "another", address: "a", message: "m" }),
    isConflict,
  ),
  leavesNothing(
    "leaves nothing of null where none may be",
    { update: "limits", where: { bucket: "kept" }, set: { bucket: null } },
    isMistake,
  ),
  leavesNothing(
    "leaves nothing of a row that lacks a column",
    { insert: "subjects", row: incomplete },
    isMistake,
  ),
  leavesNothing(
    "leaves nothing of a row with a column that is not there",
    { insert: "subjects", row: { ...rowOf("subjects", { id: "x" }), nickname: "x" } },
    isMistake,
  ),
  leavesNothing(
    "leaves nothing of a number where text belongs",
    { insert: "subjects", row: { ...rowOf("subjects", {}), id: 5 } },
    isMistake,
  ),
  leavesNothing(
    "leaves nothing of text where an integer belongs",
    { update: "limits", where: { bucket: "kept" }, set: { arrival: "5" } },
    isMistake,
  ),
  leavesNothing(
    "leaves nothing of an integer that cannot be read back exactly",
    { update: "limits", where: { bucket: "kept" }, set: { arrival: 2 ** 53 } },
    isMistake,
  ),
  leavesNothing(
    "refuses an undefined condition, rather than to remove everything",
    { remove: "limits", where: { bucket: undefined } },
    isMistake,
  ),
  leavesNothing(
    "refuses a null condition, which would equal nothing",
    { remove: "permits", where: { outcome: null } },
    isMistake,
  ),
  {
    promise: "lets one transaction fail without the others that came at the same time",
    async run(bench) {
      const outcomes = await Promise.allSettled(
        ["a", "b", "a", "c"].map((id) =>
          write(bench, insertOf("limits", { bucket: `of ${id}` }), insertOf("subjects", { id })),
        ),
      );
      expect(outcomes.filter(({ status }) => status === "rejected")).toHaveLength(1);
      expect(await read(bench, { from: "subjects", where: {} })).toHaveLength(3);
      expect(await read(bench, { from: "limits", where: {} })).toHaveLength(3);
    },
  },
  {
    promise: "quotes no stored value in an error",
    async run(bench) {
      const canary = "canary-7f3a@example.org";
      const row = { id: canary, address: canary, message: canary, topic: canary };
      await write(bench, insertOf("permits", row));
      const errors = [
        await refusal(write(bench, insertOf("permits", row))),
        await refusal(write(bench, insertOf("permits", { ...row, id: "another" }))),
        await refusal(read(bench, { from: "limits", where: { arrival: canary } })),
      ];
      expect(inspect(errors, { depth: null, showHidden: true })).not.toContain("canary-7f3a");
    },
  },
];
