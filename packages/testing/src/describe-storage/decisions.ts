import type { Row } from "@heed/core/storage";
import { expect } from "vitest";
import { increment, insertOf, read, write, type StorageCase } from "./storage-case.ts";

/** What `decide` is given, and how often. */
export const decisions: readonly StorageCase[] = [
  {
    promise: "shows a decision the rows that it asked for and no others",
    async run(bench) {
      await write(bench, insertOf("subjects", { id: "a" }), insertOf("subjects", { id: "b" }));
      const seen: unknown[] = [];
      await bench.storage.transact({
        lock: ["subject:a"],
        read: {
          wanted: { from: "subjects", where: { id: "a" } },
          nobody: { from: "limits", where: { bucket: "none" } },
        },
        clock: bench.clock,
        decide: (rows) => {
          seen.push(
            Object.keys(rows),
            rows.wanted.map(({ id }) => id),
            rows.nobody.length,
          );
          return { writes: [], answer: undefined };
        },
      });
      expect(seen).toEqual([["wanted", "nobody"], ["a"], 0]);
    },
  },
  {
    promise: "asks for a decision once, and gives its answer back",
    async run({ storage, clock }) {
      let asked = 0;
      const answer = await storage.transact({
        lock: [],
        read: {},
        clock,
        decide: () => {
          asked += 1;
          return { writes: [], answer: { some: "thing" } };
        },
      });
      expect([asked, answer]).toEqual([1, { some: "thing" }]);
    },
  },
  {
    promise: "takes the time of a decision from the clock that it is given",
    async run({ storage, clock }) {
      const ask = () =>
        storage.transact({
          lock: [],
          read: {},
          clock,
          decide: (_rows, now) => ({ writes: [], answer: now }),
        });
      await clock.set("2031-05-06T07:08:09.010Z");
      expect(await ask()).toBe("2031-05-06T07:08:09.010Z");
      await clock.advance(5);
      expect(await ask()).toBe("2031-05-06T07:08:09.015Z");
    },
  },
  {
    promise: "lets decisions under one lock go one after another",
    async run(bench) {
      const seen: number[] = [];
      const append = (id: string) =>
        bench.storage.transact({
          lock: ["subjects"],
          read: { all: { from: "subjects", where: {} } },
          clock: bench.clock,
          decide: ({ all }) => {
            seen.push(all.length);
            return { writes: [insertOf("subjects", { id })], answer: undefined };
          },
        });
      await Promise.all(["a", "b", "c"].map((id) => append(id)));
      expect(seen.toSorted((one, other) => one - other)).toEqual([0, 1, 2]);
    },
  },
  {
    promise: "shares no row with those who wrote or read it",
    async run(bench) {
      const wrapped = new Uint8Array([1, 2, 3]);
      const row: Row<"dataKeys"> = { owner: "a", wrapped, keyId: "k1" };
      await write(bench, { insert: "dataKeys", row });
      wrapped.fill(9);
      row.keyId = "k9";
      const query = { from: "dataKeys", where: { owner: "a" } } as const;
      const [found] = await read(bench, query);
      expect(found).toEqual({ owner: "a", wrapped: new Uint8Array([1, 2, 3]), keyId: "k1" });
      found?.wrapped.fill(8);
      if (found !== undefined) found.keyId = "k8";
      expect(await read(bench, query)).toEqual([
        { owner: "a", wrapped: new Uint8Array([1, 2, 3]), keyId: "k1" },
      ]);
    },
  },
  {
    promise: "loses none of 100 increments at the same time",
    async run(bench) {
      await write(bench, insertOf("limits", { bucket: "a" }));
      await Promise.all(Array.from({ length: 100 }, () => increment(bench)));
      expect((await read(bench, { from: "limits", where: {} }))[0]?.arrival).toBe(100);
    },
  },
  {
    promise: "lets only one of many take what is there once",
    async run(bench) {
      const take = (id: string) =>
        bench.storage.transact({
          lock: ["address:a"],
          read: { taken: { from: "permits", where: { address: "a", message: "m" } } },
          clock: bench.clock,
          decide: ({ taken }) =>
            taken.length > 0
              ? { writes: [], answer: false }
              : { writes: [insertOf("permits", { id, address: "a", message: "m" })], answer: true },
        });
      const answers = await Promise.all(Array.from({ length: 20 }, (_each, n) => take(`p${n}`)));
      expect(answers.filter(Boolean)).toHaveLength(1);
      expect(await read(bench, { from: "permits", where: {} })).toHaveLength(1);
    },
  },
];
