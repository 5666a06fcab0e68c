import type { Row, Write } from "@heed/core/storage";
import { expect } from "vitest";
import { insertOf, read, rowOf, write, type Bench, type StorageCase } from "./storage-case.ts";

const now = "2026-06-01T12:00:00.000Z";
const later = "2026-06-01T12:01:00.000Z";

async function due(bench: Bench, at = now): Promise<readonly string[]> {
  return (await bench.storage.due({ namespace: "acme", now: at, max: 100 })).map(({ id }) => id);
}

function step(id: string, given: Partial<Row<"steps">> = {}): Write {
  return insertOf("steps", { id, namespace: "acme", state: "due", dueAt: now, ...given });
}

function set(id: string, changes: Partial<Row<"steps">>): Write {
  return { update: "steps", where: { id }, set: changes };
}

const leased = { state: "running", leaseUntil: later, attempt: 1 };

/** How a step goes from due to a worker's hands and out of them. */
export const handingOver: readonly StorageCase[] = [
  {
    promise: "delivers nothing of a plan that was not committed",
    async run(bench) {
      await write(bench, insertOf("subjects", { id: "taken" }));
      const planned = write(bench, step("a"), insertOf("subjects", { id: "taken" }));
      await expect(planned).rejects.toMatchObject({ code: "duplicate-row" });
      expect(await due(bench)).toEqual([]);
    },
  },
  {
    promise: "plans a step once, however often it is planned",
    async run(bench) {
      const plan: Write = { ...(step("a") as Extract<Write, { insert: "steps" }>), orKeep: true };
      for (let n = 0; n < 3; n += 1) await write(bench, plan);
      expect(await due(bench)).toEqual(["a"]);
      await write(bench, set("a", { state: "verified", dueAt: null }));
      await write(bench, plan);
      expect(await due(bench)).toEqual([]);
    },
  },
  {
    promise: "holds a step that leaves due, and releases it when it comes back",
    async run(bench) {
      await write(bench, step("a"), step("b"));
      for (let n = 0; n < 2; n += 1) {
        await write(bench, set("a", { state: "waiting", dueAt: null }));
        expect(await due(bench)).toEqual(["b"]);
        await write(bench, set("a", { state: "due", dueAt: now }));
        expect(await due(bench)).toEqual(["a", "b"]);
      }
    },
  },
  {
    promise: "delivers no step that was cancelled, nor one that is gone",
    async run(bench) {
      await write(bench, step("a"), step("b"), step("c"));
      expect(await due(bench)).toEqual(["a", "b", "c"]);
      await write(bench, set("a", { state: "cancelled", dueAt: null }), {
        remove: "steps",
        where: { id: "b" },
      });
      expect(await due(bench)).toEqual(["c"]);
    },
  },
  {
    promise: "brings a leased step back when its lease runs out, and not while it is renewed",
    async run(bench) {
      await write(bench, step("a"));
      expect(await due(bench)).toEqual(["a"]);
      await write(bench, set("a", leased));
      expect(await due(bench)).toEqual([]);
      await write(bench, set("a", { leaseUntil: "2026-06-01T12:02:00.000Z" }));
      expect(await due(bench, later)).toEqual([]);
      expect(await due(bench, "2026-06-01T12:02:00.000Z")).toEqual(["a"]);
    },
  },
  {
    promise: "brings a step again at the time that it is put off to",
    async run(bench) {
      await write(bench, step("a"));
      expect(await due(bench)).toEqual(["a"]);
      await write(bench, set("a", leased));
      await write(bench, set("a", { state: "due", leaseUntil: null, dueAt: later }));
      expect(await due(bench)).toEqual([]);
      expect(await due(bench, later)).toEqual(["a"]);
    },
  },
  {
    promise: "lets a settle of an earlier attempt change nothing",
    async run(bench) {
      await write(bench, step("a", { ...leased, attempt: 2 }));
      await write(bench, {
        update: "steps",
        where: { id: "a", state: "running", attempt: 1 },
        set: { state: "verified", leaseUntil: null },
      });
      expect(await read(bench, { from: "steps", where: {} })).toMatchObject([
        { state: "running", attempt: 2 },
      ]);
      expect(await due(bench, later)).toEqual(["a"]);
    },
  },
  {
    promise: "delivers a parked step again once it is retried",
    async run(bench) {
      await write(bench, step("a"));
      await due(bench);
      await write(bench, set("a", { state: "failed", dueAt: null, endedAt: now }));
      expect(await due(bench, later)).toEqual([]);
      await write(bench, set("a", { state: "due", dueAt: now, endedAt: null, alone: 1 }));
      expect(await bench.storage.due({ namespace: "acme", now, max: 9 })).toMatchObject([{ alone: true }]);
    },
  },
  {
    promise: "loses none of the turns that many take of one bucket at once",
    async run(bench) {
      const take = () =>
        bench.storage.transact({
          lock: ["limit:a"],
          read: { limits: { from: "limits", where: { bucket: ["a"] } } },
          clock: bench.clock,
          decide: ({ limits }) => {
            const arrival = (limits[0]?.arrival ?? 0) + 10;
            return {
              writes: [
                { insert: "limits", row: rowOf("limits", { bucket: "a" }), orKeep: true },
                { update: "limits", where: { bucket: "a" }, set: { arrival } },
              ],
              answer: arrival,
            };
          },
        });
      const arrivals = await Promise.all(Array.from({ length: 30 }, take));
      expect(arrivals.toSorted((one, other) => one - other)).toEqual(
        Array.from({ length: 30 }, (_each, n) => (n + 1) * 10),
      );
    },
  },
];
