import { memory } from "@heed/core";
import type { HeedStorage, Reads, RowsOf, Transaction, Write } from "@heed/core/storage";
import { describe, expect, it } from "vitest";
import { virtualClock } from "../virtual-clock.ts";
import { atomicity } from "./atomicity.ts";
import { decisions } from "./decisions.ts";
import { delivery } from "./delivery.ts";
import { handingOver } from "./handing-over.ts";
import { durability, lifetime } from "./lifetime.ts";
import { queries } from "./queries.ts";
import type { StorageCase } from "./storage-case.ts";
import { writes } from "./writes.ts";

const cases: readonly StorageCase[] = [
  ...[atomicity, decisions, queries, writes, delivery, handingOver, lifetime].flat(),
  ...durability,
];

const begin = () => Promise.reject(new Error("Memory has no transaction to join."));

type Any = Transaction<Reads, unknown>;

/** Memory with one thing done wrong to each transaction. */
function broken(transact: (storage: HeedStorage, transaction: Any) => Promise<unknown>): () => HeedStorage {
  return () => {
    const storage = memory();
    const faulty: unknown = (transaction: Any) => transact(storage, transaction);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- answers what the decision answered
    return { ...storage, transact: faulty as HeedStorage["transact"] };
  };
}

/** Memory where the writes of every decision are changed. */
function writing(change: (writes: readonly Write[]) => readonly Write[]): () => HeedStorage {
  return broken((storage, transaction) =>
    storage.transact({
      ...transaction,
      decide: (rows, now) => {
        const { writes: decided, answer } = transaction.decide(rows, now);
        return { writes: change(decided), answer };
      },
    }),
  );
}

/** Memory where every query is changed. */
function asking(change: (query: Reads[string]) => Reads[string]): () => HeedStorage {
  return broken((storage, transaction) => {
    const read = Object.entries(transaction.read).map(([name, query]) => [name, change(query)]);
    return storage.transact({ ...transaction, read: Object.fromEntries(read) });
  });
}

function without<T extends object>(from: T, name: string): T {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what is left out may be absent
  return Object.fromEntries(Object.entries(from).filter(([key]) => key !== name)) as T;
}

/** Each mistake that a storage may make, and a promise that must be seen broken by it. */
const mistakes: Readonly<Record<string, readonly [() => HeedStorage, string]>> = {
  "commits each write by itself": [
    broken(async (storage, transaction) => {
      const { writes: decided, answer } = await storage.transact({
        ...transaction,
        decide: (rows, now) => ({ writes: [], answer: transaction.decide(rows, now) }),
      });
      for (const each of decided) {
        await storage.transact({
          ...transaction,
          read: {},
          decide: () => ({ writes: [each], answer: undefined }),
        });
      }
      return answer;
    }),
    "leaves nothing when a key is taken",
  ],
  "decides on what it read before others committed": [
    broken(async (storage, transaction) => {
      const read = await storage.transact({
        ...transaction,
        decide: (rows, now) => ({ writes: [], answer: [rows, now] as const }),
      });
      await Promise.resolve();
      return storage.transact({ ...transaction, decide: () => transaction.decide(...read) });
    }),
    "loses none of 100 increments at the same time",
  ],
  "forgets the last write": [writing((all) => all.slice(0, -1)), "commits over several tables together"],
  "carries writes out in no order": [
    writing((all) => all.toReversed()),
    "carries writes out in their order, each seeing those before it",
  ],
  "never keeps": [
    writing((all) => all.map((each) => without(each, "orKeep"))),
    "keeps the row that is there, when told to",
  ],
  "never raises": [
    writing((all) =>
      all.map((each) => ("orRaise" in each ? { ...without(each, "orRaise"), orKeep: true } : each)),
    ),
    "replaces a row that is not higher, when told to raise it, also twice in one transaction",
  ],
  "knows no limit": [asking((query) => without(query, "limit")), "finds nothing within a limit of zero"],
  "knows no order": [asking((query) => without(query, "orderBy")), "orders by a column, smallest first"],
  "takes its own time": [
    broken((storage, transaction) => storage.transact({ ...transaction, clock: virtualClock() })),
    "takes the time of a decision from the clock that it is given",
  ],
  "hands out the rows that it keeps": [
    (() => {
      const kept = new Map<string, RowsOf<Reads>>();
      return broken((storage, transaction) =>
        storage.transact({
          ...transaction,
          decide: (rows, now) => {
            const text = JSON.stringify(transaction.read);
            const shared = kept.get(text) ?? rows;
            kept.set(text, shared);
            return transaction.decide(shared, now);
          },
        }),
      );
    })(),
    "shares no row with those who wrote or read it",
  ],
  "finds every namespace's steps": [
    () => {
      const storage = memory();
      const elsewhere = (namespace: string) =>
        storage.due({ namespace, now: "2026-06-01T12:00:00.000Z", max: 9 });
      return { ...storage, due: async () => [...(await elsewhere("acme")), ...(await elsewhere("other"))] };
    },
    "keeps to its namespace",
  ],
  "tells of what can wait when it is asked for what is urgent": [
    () => {
      const storage = memory();
      return { ...storage, due: async (ask) => storage.due({ ...ask, mostLane: 9 }) };
    },
    "finds what is urgent alone when it is asked for that, and whatever else is told of meanwhile",
  ],
  "forgets whose request a step is of": [
    () => {
      const storage = memory();
      const due: HeedStorage["due"] = async (ask) =>
        (await storage.due(ask)).map((step) => ({ ...step, requestId: null }));
      return { ...storage, due };
    },
    "says of a step what the engine needs to sort it into batches",
  ],
  "tells of steps that it was to leave out": [
    () => {
      const storage = memory();
      return { ...storage, due: async (ask) => storage.due({ ...ask, exceptSteps: [] }) };
    },
    "leaves out the steps that it is told to, and finds what is due behind them",
  ],
  "lets what it leaves out hide what is due behind it": [
    () => {
      const storage = memory();
      return {
        ...storage,
        due: async ({ exceptSteps = [], ...ask }) =>
          (await storage.due(ask)).filter(({ id }) => !exceptSteps.includes(id)),
      };
    },
    "leaves out the steps that it is told to, and finds what is due behind them",
  ],
  "delivers what it rolled back": [
    () => {
      const storage = memory();
      const planned: string[] = [];
      const transact: unknown = (transaction: Any) =>
        storage.transact({
          ...transaction,
          decide: (rows, now) => {
            const decision = transaction.decide(rows, now);
            for (const each of decision.writes) {
              if ("insert" in each && each.insert === "steps") planned.push(each.row.id);
            }
            return decision;
          },
        });
      const due = async () =>
        planned.map((id) => ({
          id,
          subjectId: "-",
          requestId: null,
          processor: "-",
          operation: "erase" as const,
          phase: "-",
          lane: 0,
          alone: false,
        }));
      return { ...storage, transact: transact as HeedStorage["transact"], due };
    },
    "delivers nothing of a plan that was not committed",
  ],
  "never looks at a lease": [
    () => {
      const storage = memory();
      return { ...storage, due: async (ask) => storage.due({ ...ask, now: "9999-01-01T00:00:00.000Z" }) };
    },
    "brings a leased step back when its lease runs out, and not while it is renewed",
  ],
  "can be used after it was closed": [
    () => ({ ...memory(), close: async () => {} }),
    "finishes what was asked before it closes, and refuses what is asked after",
  ],
  "loses everything on reopening": [
    memory,
    "still has what was committed after it was closed and opened again",
  ],
};

describe("a storage that", () => {
  for (const [mistake, [create, promise]] of Object.entries(mistakes)) {
    it(`${mistake} does not pass`, async () => {
      const failed = [];
      for (const each of cases) {
        const another = async () => create();
        const passed = await each.run({ storage: create(), clock: virtualClock(), another, begin }).then(
          () => true,
          () => false,
        );
        if (!passed) failed.push(each.promise);
      }
      expect(failed).toContain(promise);
    });
  }

  it("does everything right passes", async () => {
    const lasting = new Set(durability.map((each) => each.promise));
    for (const { promise, run } of cases) {
      if (lasting.has(promise)) continue;
      await run({ storage: memory(), clock: virtualClock(), another: async () => memory(), begin });
    }
    expect(cases.length).toBeGreaterThan(lasting.size);
  });
});
