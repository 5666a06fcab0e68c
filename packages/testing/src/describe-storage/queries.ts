import type { Query, Write } from "@heed/core/storage";
import { expect } from "vitest";
import { insertOf, read, refusal, write, type StorageCase } from "./storage-case.ts";

/**
 * Six events of three subjects, `claimedAt` falling, so that no case passes by the order of insertion;
 * `until` is null on half of them.
 */
const events: readonly Write[] = [
  { id: "e1", subjectId: "anna", kind: "given", claimedAt: "2026-06-06", until: "2027-01-01" },
  { id: "e2", subjectId: "anna", kind: "withdrawn", claimedAt: "2026-06-05", until: null },
  { id: "e3", subjectId: "bo", kind: "given", claimedAt: "2026-06-04", until: "2027-02-01" },
  { id: "e4", subjectId: "bo", kind: "given", claimedAt: "2026-06-03", until: null },
  { id: "e5", subjectId: "cleo", kind: "refused", claimedAt: "2026-06-02", until: "2027-01-01" },
  { id: "e6", subjectId: "cleo", kind: "given", claimedAt: "2026-06-01", until: null },
].map((event) => insertOf("events", event));

const identifiers: readonly Write[] = [
  insertOf("identifiers", { digest: "d1", subjectId: "anna" }),
  insertOf("identifiers", { digest: "d2", subjectId: "bo" }),
  insertOf("subjects", { id: "anna", namespace: "se" }),
  insertOf("subjects", { id: "cleo", namespace: "se" }),
  insertOf("steps", { id: "s1", subjectId: "anna", eventId: "2027-02-01" }),
  insertOf("steps", { id: "s2", subjectId: "anna", eventId: null }),
];

/** A query over the events, and the ids that it must find: sorted unless `inOrder`. */
function finds(
  promise: string,
  query: Omit<Query<"events">, "from">,
  ids: readonly string[],
  inOrder: "in-order" | "any-order" = "any-order",
): StorageCase {
  return {
    promise,
    async run(bench) {
      await write(bench, ...events, ...identifiers);
      const found = (await read(bench, { from: "events", ...query })).map(({ id }) => id);
      expect(inOrder === "in-order" ? found : found.toSorted()).toEqual(ids);
    },
  };
}

/** 2,500 values that nobody has, and three that somebody has. */
const many = [...Array.from({ length: 2500 }, (_each, n) => `nobody${n}`), "e2", "e3", "e6"];

/** Every condition, alone and with others. */
export const queries: readonly StorageCase[] = [
  finds("finds every row without a condition", { where: {} }, ["e1", "e2", "e3", "e4", "e5", "e6"]),
  finds("finds by key", { where: { id: "e3" } }, ["e3"]),
  finds("finds nothing under a key that is not there", { where: { id: "e9" } }, []),
  finds("finds by an index", { where: { subjectId: "bo" } }, ["e3", "e4"]),
  finds("finds by a column without an index", { where: { kind: "withdrawn" } }, ["e2"]),
  finds("wants every condition to hold", { where: { subjectId: "anna", kind: "given" } }, ["e1"]),
  finds("finds any of several values", { where: { subjectId: ["anna", "cleo", "x"] } }, [
    "e1",
    "e2",
    "e5",
    "e6",
  ]),
  finds("finds nothing for no values", { where: { subjectId: [] } }, []),
  finds("finds a row once for a value given twice", { where: { id: ["e1", "e1"] } }, ["e1"]),
  finds("takes more than a thousand values", { where: { id: many } }, ["e2", "e3", "e6"]),
  finds("counts the limit itself as at most", { where: { claimedAt: { atMost: "2026-06-03" } } }, [
    "e4",
    "e5",
    "e6",
  ]),
  finds("does not count the limit itself as above", { where: { claimedAt: { above: "2026-06-04" } } }, [
    "e1",
    "e2",
  ]),
  finds("finds null", { where: { until: { isNull: true } } }, ["e2", "e4", "e6"]),
  finds("finds what is not null", { where: { until: { isNull: false } } }, ["e1", "e3", "e5"]),
  finds("holds null neither at most", { where: { until: { atMost: "9999" } } }, ["e1", "e3", "e5"]),
  finds("nor above anything", { where: { until: { above: "" } } }, ["e1", "e3", "e5"]),
  finds("nor equal to anything", { where: { until: ["2027-01-01", ""] } }, ["e1", "e5"]),
  finds(
    "finds by the values of another table",
    { where: { subjectId: { via: "identifiers", column: "subjectId", where: { digest: "d2" } } } },
    ["e3", "e4"],
  ),
  finds(
    "finds by the values of a table that is found by another",
    {
      where: {
        subjectId: {
          via: "identifiers",
          column: "subjectId",
          where: { subjectId: { via: "subjects", column: "id", where: { namespace: "se" } } },
        },
      },
    },
    ["e1", "e2"],
  ),
  finds(
    "finds nothing by another table where nothing is found",
    { where: { subjectId: { via: "identifiers", column: "subjectId", where: { digest: "d9" } } } },
    [],
  ),
  finds(
    "equals nothing by a null of another table",
    { where: { until: { via: "steps", column: "eventId", where: { subjectId: "anna" } } } },
    ["e3"],
  ),
  finds(
    "orders by a column, smallest first",
    { where: {}, orderBy: ["claimedAt"] },
    ["e6", "e5", "e4", "e3", "e2", "e1"],
    "in-order",
  ),
  finds(
    "orders null before everything, and by the next column where one is equal",
    { where: {}, orderBy: ["until", "claimedAt"] },
    ["e6", "e4", "e2", "e5", "e1", "e3"],
    "in-order",
  ),
  finds(
    "keeps the first of the order",
    { where: {}, orderBy: ["claimedAt"], limit: 2 },
    ["e6", "e5"],
    "in-order",
  ),
  finds("finds no more than there is", { where: { subjectId: "bo" }, limit: 9 }, ["e3", "e4"]),
  finds("finds nothing within a limit of zero", { where: {}, limit: 0 }, []),
  {
    promise: "compares integers as numbers",
    async run(bench) {
      await write(
        bench,
        ...[100, 9, 10, -1].map((arrival) => insertOf("limits", { bucket: `b${arrival}`, arrival })),
      );
      const above = await read(bench, {
        from: "limits",
        where: { arrival: { above: 9 } },
        orderBy: ["arrival"],
      });
      expect(above.map(({ arrival }) => arrival)).toEqual([10, 100]);
      const some = await read(bench, {
        from: "limits",
        where: { arrival: [-1, 100, 5] },
        orderBy: ["arrival"],
      });
      expect(some.map(({ arrival }) => arrival)).toEqual([-1, 100]);
    },
  },
  {
    promise: "compares text letter by letter, capitals first, whatever the language",
    async run(bench) {
      const ids = ["b", "a", "B", "å", "a b", "_"];
      await write(bench, ...ids.map((id) => insertOf("subjects", { id })));
      expect(await read(bench, { from: "subjects", where: { id: "b" } })).toHaveLength(1);
      const ordered = await read(bench, { from: "subjects", where: {}, orderBy: ["id"] });
      expect(ordered.map(({ id }) => id)).toEqual(["B", "_", "a", "a b", "b", "å"]);
    },
  },
  {
    promise: "takes a value as a value, whatever stands in it",
    async run(bench) {
      const ids = [`' OR 1=1 --`, `"quoted"`, "%", "_", "[]", "null", "\\", "😀 Å ö"];
      await write(bench, ...ids.map((id) => insertOf("subjects", { id })));
      for (const id of ids) {
        expect(await read(bench, { from: "subjects", where: { id } })).toHaveLength(1);
        expect(await read(bench, { from: "subjects", where: { id: [id] } })).toHaveLength(1);
      }
    },
  },
  {
    promise: "refuses a column that is not there, wherever it is named",
    async run(bench) {
      const column = `id" OR 1=1 --`;
      const asks: readonly unknown[] = [
        { from: "subjects", where: { [column]: "x" } },
        { from: "subjects", where: {}, orderBy: [column] },
        { from: "subjects", where: { id: { via: "limits", column, where: {} } } },
        { from: "subjects", where: { id: { via: "limits", column: "bucket", where: { [column]: 1 } } } },
        { from: "subjects", where: { toString: "x" } },
        { from: "subjects; --", where: {} },
        { from: "subjects", where: {}, limit: -1 },
        { from: "subjects", where: {}, limit: 1.5 },
        { from: "subjects", where: { id: { atLeast: "x" } } },
        { from: "subjects", where: { id: 5 } },
      ];
      for (const ask of asks) {
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- mistakes that the compiler would catch
        const error = await refusal(read(bench, ask as Query));
        expect([ask, error instanceof TypeError]).toEqual([ask, true]);
      }
    },
  },
];
