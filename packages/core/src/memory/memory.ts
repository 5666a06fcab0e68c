import { dueStep, type DueRow } from "../contract/due-step.ts";
import type { DueAsk, DueStep, HeedStorage, Reads, RowsOf, Transaction } from "../contract/storage.ts";
import { tables, type TableName } from "../contract/tables.ts";
import { HeedError } from "../errors/heed-error.ts";
import { applyWrites, copyOf } from "./apply-writes.ts";
import { MemoryTable } from "./memory-table.ts";
import { by, matching, select, type MemoryTables } from "./select.ts";

function emptyTables(): MemoryTables {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Object.keys forgets the names of a constant
  const names = Object.keys(tables) as TableName[];
  return new Map(names.map((name) => [name, new MemoryTable(name, tables[name])]));
}

function carryOut<R extends Reads, A>(all: MemoryTables, transaction: Transaction<R, A>): A {
  if (transaction.within !== undefined) {
    throw new TypeError("The memory storage has no transaction that another could join: leave `within` out.");
  }
  const rows: unknown = Object.fromEntries(
    Object.entries(transaction.read).map(([name, query]) => [name, select(all, query).map(copyOf)]),
  );
  const now = transaction.clock.now().toISOString();
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nothing but rows was let in
  const { writes, answer } = transaction.decide(rows as RowsOf<R>, now);
  applyWrites(all, writes);
  return answer;
}

function dueSteps(all: MemoryTables, ask: DueAsk): readonly DueStep[] {
  const { namespace, now, max, processor, mostLane = Number.POSITIVE_INFINITY } = ask;
  const { except = [], exceptSteps = [] } = ask;
  const isLeftOut = new Set<unknown>(exceptSteps);
  const isDue = { namespace, state: "due", dueAt: { atMost: now } };
  const isAbandoned = { namespace, state: "running", leaseUntil: { atMost: now } };
  const claimable = [...matching(all, "steps", isDue), ...matching(all, "steps", isAbandoned)];
  const wanted = claimable.filter(
    (row) =>
      (processor === undefined || row["processor"] === processor) &&
      Number(row["lane"]) <= mostLane &&
      !except.includes(String(row["processor"])) &&
      !isLeftOut.has(row["id"]),
  );
  const urgent = wanted.toSorted(by(["lane", "dueAt", "id"])).slice(0, max);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only whole rows were let in
  return urgent.map((row) => dueStep(row as unknown as DueRow));
}

/**
 * The reference storage: everything in the memory of this process, and gone with it. For tests, and for a
 * first look with nothing installed.
 *
 * A decision is synchronous and nothing is awaited around it, so transactions go one after another and
 * `lock` has nothing to do. Keys and unique columns are enforced as declared, reads by key or index do not
 * scan, and rows are copied in and out.
 *
 * @throws TypeError when a transaction names a column that does not exist, gives a value of another type,
 *   or passes `within`
 * @throws ConflictError `duplicate-row`, when a write breaks a key or a unique rule
 * @throws HeedError `storage-closed`, after `close()`
 */
export function memory(): HeedStorage {
  const all = emptyTables();
  let isClosed = false;
  const whileOpen = async <T>(work: () => T): Promise<T> => {
    if (isClosed) throw new HeedError("The storage is closed.", { code: "storage-closed" });
    // A decision that starts another transaction must not find it inside its own.
    await Promise.resolve();
    return work();
  };
  return {
    specificationVersion: "v1",
    name: "memory",
    durable: false,
    serial: true,
    transact: (transaction) => whileOpen(() => carryOut(all, transaction)),
    due: (ask) => whileOpen(() => dueSteps(all, ask)),
    scrub: () => whileOpen(() => true),
    close: async () => {
      isClosed = true;
    },
  };
}
