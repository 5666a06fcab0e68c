import { isHeedError, tables, type Row, type TableName, type Write } from "@heed/core/storage";
import { expect } from "vitest";
import { insertOf, read, refusal, rowOf, write, type Bench, type StorageCase } from "./storage-case.ts";

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Object.keys forgets the names of a constant
const tableNames = Object.keys(tables) as readonly TableName[];

async function ids(bench: Bench): Promise<readonly string[]> {
  return (await read(bench, { from: "subjects", where: {}, orderBy: ["id"] })).map(({ id }) => id);
}

function keyOf(byte: number, length: number): Uint8Array {
  return new Uint8Array(length).fill(byte);
}

function givesBackARowOf(table: TableName): StorageCase {
  return {
    promise: `gives back a whole row of ${table}, with its nulls`,
    async run(bench) {
      await write(bench, insertOf(table, {}));
      expect(await read(bench, { from: table, where: {} })).toEqual([rowOf(table, {})]);
    },
  };
}

/** What is written is what is read. */
const values: readonly StorageCase[] = [
  ...tableNames.map((table) => givesBackARowOf(table)),
  {
    promise: "gives back text, integers and bytes as they were",
    async run(bench) {
      const bytes = Uint8Array.from({ length: 100_000 }, (_each, n) => n % 256);
      const steps: readonly Row<"steps">[] = [
        rowOf("steps", { id: "1", input: "", sealed: new Uint8Array(0), seq: -1, because: "" }),
        rowOf("steps", { id: "2", input: "ÅÄÖ 😀\n\t\u0001", sealed: bytes, seq: Number.MAX_SAFE_INTEGER }),
        rowOf("steps", { id: "3", input: '{"a":null}', sealed: bytes.subarray(7, 9), seq: -(2 ** 53 - 1) }),
        rowOf("steps", { id: "4", sealed: Buffer.from([0, 255]), because: "null" }),
      ];
      await write(bench, ...steps.map((row) => insertOf("steps", row)));
      const found = await read(bench, { from: "steps", where: {}, orderBy: ["id"] });
      expect(found.map(({ input, seq, because }) => [input, seq, because])).toEqual(
        steps.map(({ input, seq, because }) => [input, seq, because]),
      );
      expect(found.map(({ sealed }) => sealed && Buffer.from(sealed).toString("hex"))).toEqual(
        steps.map(({ sealed }) => sealed && Buffer.from(sealed).toString("hex")),
      );
    },
  },
];

/** What each write changes, and what it leaves. */
const changes: readonly StorageCase[] = [
  {
    promise: "keeps the row that is there, when told to",
    async run(bench) {
      await write(bench, insertOf("subjects", { id: "a", namespace: "first" }));
      await write(bench, {
        insert: "subjects",
        row: rowOf("subjects", { id: "a", namespace: "second" }),
        orKeep: true,
      });
      await write(bench, { insert: "subjects", row: rowOf("subjects", { id: "b" }), orKeep: true });
      const found = await read(bench, { from: "subjects", where: {}, orderBy: ["id"] });
      expect(found.map(({ namespace }) => namespace)).toEqual(["first", "-"]);
    },
  },
  {
    promise: "keeps by the whole key, and inserts beside a row that shares a part of it",
    async run(bench) {
      const insert = (scope: string) =>
        write(bench, {
          insert: "suppressions",
          row: rowOf("suppressions", { digest: "d", scope }),
          orKeep: true,
        });
      for (const scope of ["all", "news", "all"]) await insert(scope);
      expect(await read(bench, { from: "suppressions", where: { digest: "d" } })).toHaveLength(2);
    },
  },
  {
    promise: "replaces a row that is not higher, when told to raise it, also twice in one transaction",
    async run(bench) {
      const raise = (scope: string, at: string, reason: string): Write => ({
        insert: "suppressions",
        row: rowOf("suppressions", { digest: "d", scope, at, reason }),
        orRaise: "at",
      });
      await write(bench, raise("a", "2", "first"), raise("b", "2", "first"));
      await write(bench, raise("a", "1", "lower"), raise("b", "2", "equal"), raise("c", "1", "only"));
      await write(bench, raise("c", "3", "third"), raise("c", "2", "second"), raise("c", "3", "last"));
      const found = await read(bench, { from: "suppressions", where: {}, orderBy: ["scope"] });
      expect(found.map(({ scope, at, reason }) => [scope, at, reason])).toEqual([
        ["a", "2", "first"],
        ["b", "2", "equal"],
        ["c", "3", "last"],
      ]);
    },
  },
  {
    promise: "refuses to raise by what does not compare, by the key, and what is secret",
    async run(bench) {
      const dataKey = rowOf("dataKeys", {});
      const bySealed = { insert: "parked", row: rowOf("parked", {}), orRaise: "sealed" } as const;
      const byNull = { insert: "requests", row: rowOf("requests", {}), orRaise: "because" } as const;
      const byKey = { insert: "requests", row: rowOf("requests", {}), orRaise: "id" } as const;
      const secret = { insert: "dataKeys", row: dataKey, orRaise: "keyId" } as const;
      for (const each of [bySealed, byNull, byKey, secret])
        await expect(write(bench, each)).rejects.toThrow(TypeError);
    },
  },
  {
    promise: "breaks no unique rule for the sake of keeping",
    async run(bench) {
      await write(bench, insertOf("permits", { id: "a", address: "x", message: "m" }));
      const row = rowOf("permits", { id: "b", address: "x", message: "m" });
      for (const how of [{ orKeep: true }, { orRaise: "state" }] as const) {
        const error = await refusal(write(bench, { insert: "permits", row, ...how }));
        expect(isHeedError(error) && error.code).toBe("duplicate-row");
      }
    },
  },
  {
    promise: "updates every row that matches and no other",
    async run(bench) {
      for (const id of ["a", "b", "c"]) await write(bench, insertOf("subjects", { id, frozenBy: "r" }));
      await write(bench, {
        update: "subjects",
        where: { id: ["a", "b"] },
        set: { frozenBy: null, namespace: "n" },
      });
      const found = await read(bench, { from: "subjects", where: {}, orderBy: ["id"] });
      expect(found.map(({ frozenBy, namespace }) => [frozenBy, namespace])).toEqual([
        [null, "n"],
        [null, "n"],
        ["r", "-"],
      ]);
    },
  },
  {
    promise: "changes nothing where nothing matches, or nothing is set",
    async run(bench) {
      await write(bench, insertOf("subjects", { id: "a" }));
      await write(
        bench,
        { update: "subjects", where: { id: "b" }, set: { namespace: "n" } },
        { update: "subjects", where: {}, set: {} },
        { remove: "subjects", where: { id: "b" } },
        { remove: "subjects", where: { id: [] } },
      );
      expect(await read(bench, { from: "subjects", where: {} })).toEqual([rowOf("subjects", { id: "a" })]);
    },
  },
  {
    promise: "finds what it updates and removes by other tables",
    async run(bench) {
      for (const id of ["a", "b", "c"]) await write(bench, insertOf("subjects", { id }));
      await write(bench, insertOf("identifiers", { digest: "d", subjectId: "b" }));
      const viaDigest = { via: "identifiers", column: "subjectId", where: { digest: "d" } } as const;
      await write(bench, { update: "subjects", where: { id: viaDigest }, set: { namespace: "n" } });
      expect(await read(bench, { from: "subjects", where: { namespace: "n" } })).toHaveLength(1);
      await write(bench, { remove: "subjects", where: { id: viaDigest } });
      expect(await ids(bench)).toEqual(["a", "c"]);
    },
  },
  {
    promise: "carries writes out in their order, each seeing those before it",
    async run(bench) {
      await write(bench, insertOf("subjects", { id: "a" }));
      await write(
        bench,
        { remove: "subjects", where: { id: "a" } },
        insertOf("subjects", { id: "a", namespace: "again" }),
        insertOf("subjects", { id: "b", namespace: "again" }),
        { update: "subjects", where: { namespace: "again" }, set: { frozenBy: "r" } },
        { remove: "subjects", where: { frozenBy: "r", id: "b" } },
      );
      const found = await read(bench, { from: "subjects", where: {} });
      expect(found).toEqual([rowOf("subjects", { id: "a", namespace: "again", frozenBy: "r" })]);
    },
  },
  {
    promise: "keeps apart writes of one kind that others stand between",
    async run(bench) {
      const sets = (id: string, set: Partial<Row<"subjects">>) =>
        ({ update: "subjects", where: { id }, set }) as const;
      const viaDigests = { via: "identifiers", column: "subjectId", where: {} } as const;
      await write(
        bench,
        insertOf("subjects", { id: "gone" }),
        { remove: "subjects", where: {} },
        insertOf("subjects", { id: "a" }),
        insertOf("identifiers", { digest: "1", subjectId: "a" }),
        insertOf("subjects", { id: "b" }),
        { update: "subjects", where: { id: viaDigests }, set: { frozenBy: "r" } },
        insertOf("identifiers", { digest: "2", subjectId: "b" }),
        sets("a", { namespace: "first" }),
        sets("b", { namespace: "first" }),
        sets("a", { namespace: "second" }),
        sets("b", { namespace: "second", createdAt: "then" }),
        sets("b", { namespace: "third" }),
      );
      const found = await read(bench, { from: "subjects", where: {}, orderBy: ["id"] });
      expect(found).toEqual([
        rowOf("subjects", { id: "a", namespace: "second", frozenBy: "r" }),
        rowOf("subjects", { id: "b", namespace: "third", createdAt: "then" }),
      ]);
    },
  },
  {
    promise: "changes a key, and finds the row under the new one alone",
    async run(bench) {
      await write(bench, insertOf("subjects", { id: "a" }), insertOf("subjects", { id: "b" }));
      await write(bench, { update: "subjects", where: { id: "a" }, set: { id: "c" } });
      expect(await ids(bench)).toEqual(["b", "c"]);
      const error = await refusal(write(bench, { update: "subjects", where: { id: "c" }, set: { id: "b" } }));
      expect(isHeedError(error) && error.code).toBe("duplicate-row");
      expect(await ids(bench)).toEqual(["b", "c"]);
    },
  },
  {
    promise: "wraps a data key anew, and makes a new one where one was destroyed",
    async run(bench) {
      await write(
        bench,
        insertOf("dataKeys", { owner: "a", wrapped: keyOf(1, 60) }),
        insertOf("dataKeys", { owner: "b", wrapped: keyOf(2, 60) }),
      );
      await write(bench, {
        update: "dataKeys",
        where: { owner: "a" },
        set: { wrapped: keyOf(3, 75), keyId: "k2" },
      });
      await write(bench, { update: "dataKeys", where: { keyId: "-" }, set: { keyId: "k3" } });
      await write(bench, { remove: "dataKeys", where: { owner: "b" } });
      const all = { from: "dataKeys", where: {}, orderBy: ["owner"] } as const;
      expect(await read(bench, all)).toEqual([{ owner: "a", wrapped: keyOf(3, 75), keyId: "k2" }]);
      expect(await read(bench, { from: "dataKeys", where: { owner: "b" } })).toEqual([]);
      await write(bench, insertOf("dataKeys", { owner: "b", wrapped: keyOf(4, 60), keyId: "k2" }));
      expect((await read(bench, all)).map(({ wrapped }) => wrapped)).toEqual([keyOf(3, 75), keyOf(4, 60)]);
      const error = await refusal(write(bench, insertOf("dataKeys", { owner: "b" })));
      expect(isHeedError(error) && error.code).toBe("duplicate-row");
    },
  },
];

export const writes: readonly StorageCase[] = [...values, ...changes];
