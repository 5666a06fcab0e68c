import type { DueAsk, Row } from "@heed/core/storage";
import { expect } from "vitest";
import { insertOf, read, write, type Bench, type StorageCase } from "./storage-case.ts";

const now = "2026-06-01T12:00:00.000Z";
const earlier = "2026-06-01T11:00:00.000Z";
const earliest = "2026-06-01T10:00:00.000Z";
const later = "2026-06-01T12:00:00.001Z";

async function steps(bench: Bench, rows: readonly Partial<Row<"steps">>[]): Promise<void> {
  const usual = { namespace: "acme", state: "due", dueAt: earlier, lane: 1 };
  await write(bench, ...rows.map((row) => insertOf("steps", { ...usual, ...row })));
}

async function due(bench: Bench, max = 100): Promise<readonly string[]> {
  return (await bench.storage.due({ namespace: "acme", now, max })).map(({ id }) => id);
}

/** Which steps are due, and which of them first. */
export const delivery: readonly StorageCase[] = [
  {
    promise: "finds a step at the moment when it is due, and not before",
    async run(bench) {
      await steps(bench, [
        { id: "now", dueAt: now },
        { id: "later", dueAt: later },
        { id: "never", dueAt: null },
      ]);
      expect(await due(bench)).toEqual(["now"]);
    },
  },
  {
    promise: "finds a running step whose lease ran out, and leaves one that still holds it",
    async run(bench) {
      await steps(bench, [
        { id: "lost", state: "running", leaseUntil: now },
        { id: "held", state: "running", leaseUntil: later },
        { id: "unleased", state: "running", leaseUntil: null },
        { id: "freed", state: "due", leaseUntil: later },
      ]);
      expect((await due(bench)).toSorted()).toEqual(["freed", "lost"]);
    },
  },
  {
    promise: "leaves steps in every other state",
    async run(bench) {
      const states = ["blocked", "verified", "manual", "failed", "cancelled", ""];
      await steps(
        bench,
        states.map((state) => ({ id: `is ${state}`, state, leaseUntil: earlier })),
      );
      expect(await due(bench)).toEqual([]);
    },
  },
  {
    promise:
      "puts the lane first and the due time second, for those that are due and those that were lost alike",
    async run(bench) {
      await steps(bench, [
        { id: "slow early", lane: 2, dueAt: earliest },
        { id: "middle late", lane: 1, dueAt: now },
        { id: "middle lost", lane: 1, dueAt: earlier, state: "running", leaseUntil: now },
        { id: "middle early", lane: 1, dueAt: earliest },
        { id: "urgent late", lane: 0, dueAt: now },
        { id: "urgent lost", lane: 0, dueAt: earliest, state: "running", leaseUntil: now },
      ]);
      const order = [
        "urgent lost",
        "urgent late",
        "middle early",
        "middle lost",
        "middle late",
        "slow early",
      ];
      expect(await due(bench)).toEqual(order);
      expect(await due(bench, 2)).toEqual(order.slice(0, 2));
      expect(await due(bench, 4)).toEqual(order.slice(0, 4));
      expect(await due(bench, 0)).toEqual([]);
    },
  },
  {
    promise: "never lets a full slow lane hide an urgent step",
    async run(bench) {
      const slow = Array.from({ length: 300 }, (_each, n) => ({ id: `slow${n}`, lane: 5, dueAt: earliest }));
      await steps(bench, [...slow, { id: "urgent", lane: 0, dueAt: now }]);
      expect((await due(bench, 3))[0]).toBe("urgent");
    },
  },
  {
    promise: "leaves out the processors that it is told to, however much is due there",
    async run(bench) {
      const hanging = Array.from({ length: 300 }, (_each, n) => ({
        id: `crm${n}`,
        processor: "crm",
        lane: 0,
        dueAt: earliest,
      }));
      await steps(bench, [
        ...hanging,
        { id: "crm lost", processor: "crm", state: "running", leaseUntil: earliest },
        { id: "mail", processor: "mail", lane: 2, dueAt: earliest },
        { id: "mail lost", processor: "mail", lane: 2, state: "running", leaseUntil: now },
        { id: "billing", processor: "billing", lane: 1, dueAt: now },
        { id: "theirs", processor: "mail", namespace: "other" },
      ]);
      const ask = { namespace: "acme", now, max: 3 };
      const ids = async (except: readonly string[]) =>
        (await bench.storage.due({ ...ask, except })).map(({ id }) => id);
      expect(await ids(["crm"])).toEqual(["billing", "mail", "mail lost"]);
      expect(await ids(["crm", "mail"])).toEqual(["billing"]);
      expect(await ids(["crm", "mail", "billing", "nobody"])).toEqual([]);
      expect((await ids([])).every((id) => id.startsWith("crm"))).toBe(true);
      expect(await ids([])).toEqual(await due(bench, 3));
    },
  },
  {
    promise: "leaves out the steps that it is told to, and finds what is due behind them",
    async run(bench) {
      const left = Array.from({ length: 250 }, (_each, n) => ({ id: `left${n}`, lane: 0, dueAt: earliest }));
      const rows = [
        ...left,
        { id: "left lost", state: "running", leaseUntil: earliest },
        { id: "lost", lane: 1, state: "running", leaseUntil: earlier },
        { id: "late", lane: 2, dueAt: now },
      ].map((row) => ({ ...row, processor: "crm" }));
      await steps(bench, rows);
      const exceptSteps = [...left.map(({ id }) => id), "left lost", "nobody's"];
      const ids = async (ask: Partial<DueAsk>) =>
        (await bench.storage.due({ namespace: "acme", now, max: 3, ...ask })).map(({ id }) => id);
      for (const ask of [{}, { processor: "crm" }])
        expect(await ids({ ...ask, exceptSteps })).toEqual(["lost", "late"]);
      expect(await ids({ exceptSteps, mostLane: 1, processor: "crm" })).toEqual(["lost"]);
      // Whoever does not leave them out is told of them.
      const told = await ids({ exceptSteps: [] });
      expect(told.map((id) => id.startsWith("left"))).toEqual([true, true, true]);
    },
  },
  {
    promise: "finds what is urgent alone when it is asked for that, and whatever else is told of meanwhile",
    async run(bench) {
      await steps(bench, [
        { id: "bulk", processor: "crm", lane: 2, dueAt: earliest },
        { id: "bulk lost", processor: "crm", lane: 2, state: "running", leaseUntil: earliest },
        { id: "erasure", processor: "crm", lane: 1, dueAt: earliest },
        { id: "no", processor: "crm", lane: 0, dueAt: now },
      ]);
      const ids = async (mostLane: number, max = 10) =>
        (await bench.storage.due({ namespace: "acme", now, max, processor: "crm", mostLane })).map(
          ({ id, lane }) => `${lane} ${id}`,
        );
      expect((await due(bench)).toSorted()).toEqual(["bulk", "bulk lost", "erasure", "no"]);
      expect(await ids(0)).toEqual(["0 no"]);
      expect(await ids(1)).toEqual(["0 no", "1 erasure"]);
      expect(await ids(2, 1)).toEqual(["0 no"]);
    },
  },
  {
    promise: "finds one processor's steps alone when it is asked for them",
    async run(bench) {
      await steps(bench, [
        { id: "crm", processor: "crm", lane: 0, dueAt: earliest },
        { id: "mail", processor: "mail", lane: 2 },
        { id: "mail lost", processor: "mail", state: "running", leaseUntil: now, lane: 1 },
      ]);
      const ids = async (processor: string) =>
        (await bench.storage.due({ namespace: "acme", now, max: 10, processor })).map(({ id }) => id);
      expect(await ids("mail")).toEqual(["mail lost", "mail"]);
      expect(await ids("crm")).toEqual(["crm"]);
      expect(await ids("nobody")).toEqual([]);
    },
  },
  {
    promise: "says that a step whose worker is gone runs alone",
    async run(bench) {
      await steps(bench, [{ id: "lost", state: "running", leaseUntil: now, alone: 0 }]);
      expect(await bench.storage.due({ namespace: "acme", now, max: 1 })).toMatchObject([{ alone: true }]);
    },
  },
  {
    promise: "keeps to its namespace",
    async run(bench) {
      await steps(bench, [{ id: "ours" }, { id: "theirs", namespace: "other" }]);
      expect(await due(bench)).toEqual(["ours"]);
    },
  },
  {
    promise: "says of a step what the engine needs to sort it into batches",
    async run(bench) {
      await steps(bench, [
        {
          id: "a",
          subjectId: "anna",
          requestId: "gdpr-1",
          processor: "crm",
          operation: "erase",
          phase: "verify",
          alone: 1,
          dueAt: earliest,
        },
        { id: "b", subjectId: "bo", processor: "mail", operation: "unsubscribe", phase: "run", alone: 0 },
      ]);
      expect(await bench.storage.due({ namespace: "acme", now, max: 10 })).toEqual([
        {
          id: "a",
          subjectId: "anna",
          requestId: "gdpr-1",
          processor: "crm",
          operation: "erase",
          phase: "verify",
          lane: 1,
          alone: true,
        },
        {
          id: "b",
          subjectId: "bo",
          requestId: null,
          processor: "mail",
          operation: "unsubscribe",
          phase: "run",
          lane: 1,
          alone: false,
        },
      ]);
    },
  },
  {
    promise: "only looks: asking twice finds the same, and a claimed step no more",
    async run(bench) {
      await steps(bench, [{ id: "a" }, { id: "b", dueAt: now }]);
      expect(await due(bench)).toEqual(["a", "b"]);
      expect(await due(bench)).toEqual(["a", "b"]);
      await write(bench, {
        update: "steps",
        where: { id: "a" },
        set: { state: "running", leaseUntil: later },
      });
      expect(await due(bench)).toEqual(["b"]);
      expect(await read(bench, { from: "steps", where: { id: "b" } })).toMatchObject([{ state: "due" }]);
    },
  },
];
