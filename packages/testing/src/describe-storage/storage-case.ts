import {
  tables,
  type HeedStorage,
  type Query,
  type Row,
  type TableName,
  type Write,
} from "@heed/core/storage";
import type { VirtualClock } from "../virtual-clock.ts";

/** A transaction of the application's own, open on the storage's database, with a row of the application's in it. */
export interface OpenTransaction {
  /** What `within` takes. */
  readonly within: unknown;
  commit(): Promise<void>;
  rollback(): Promise<void>;
  /** How many rows of the application's own others see. */
  ownRows(): Promise<number>;
}

/** What a case works on: an empty storage of its own, and the clock that its transactions are given. */
export interface Bench {
  readonly storage: HeedStorage;
  readonly clock: VirtualClock;
  /** Opens one more instance over the same data. Only where the storage is durable. */
  another(): Promise<HeedStorage>;
  /** Begins a transaction of the application's. Only where the storage can be joined. */
  begin(): Promise<OpenTransaction>;
}

/** One promise that a storage keeps. `run` throws when it is broken. */
export interface StorageCase {
  readonly promise: string;
  readonly run: (bench: Bench) => Promise<void>;
}

/** A whole row of a table: what is given, and something harmless in every other column. */
export function rowOf<T extends TableName>(table: T, given: Partial<Row<T>>): Row<T> {
  const columns = Object.entries(tables[table].columns).map(([column, type]) => {
    if (type.endsWith("?")) return [column, null];
    if (type === "text") return [column, "-"];
    return [column, type === "integer" ? 0 : new Uint8Array([1])];
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- made from the very definition of the row
  return { ...Object.fromEntries(columns), ...given } as Row<T>;
}

/** An insert of {@link rowOf}. */
export function insertOf<T extends TableName>(table: T, given: Partial<Row<T>>): Write {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a union of tables cannot be indexed by T
  return { insert: table, row: rowOf(table, given) } as unknown as Write;
}

/** Commits the writes, whatever is stored. */
export async function write({ storage, clock }: Bench, ...writes: readonly Write[]): Promise<void> {
  await storage.transact({ lock: [], read: {}, clock, decide: () => ({ writes, answer: undefined }) });
}

/** Adds one to the limit of bucket `a`, as it is when its lock is held. */
export async function increment({ storage, clock }: Bench): Promise<void> {
  await storage.transact({
    lock: ["limit:a"],
    read: { limit: { from: "limits", where: { bucket: "a" } } },
    clock,
    decide: ({ limit }) => ({
      writes: [{ update: "limits", where: { bucket: "a" }, set: { arrival: (limit[0]?.arrival ?? 0) + 1 } }],
      answer: undefined,
    }),
  });
}

/** The rows that a query finds now. */
export async function read<T extends TableName>(
  { storage, clock }: Bench,
  query: Query<T>,
): Promise<readonly Row<T>[]> {
  const found: unknown = await storage.transact({
    lock: [],
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a query of one table is a query
    read: { found: query as Query },
    clock,
    decide: (rows) => ({ writes: [], answer: rows.found }),
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- that they are is what the suite finds out
  return found as readonly Row<T>[];
}

/** What the promise rejects with. Throws when it does not reject. */
export async function refusal(promise: Promise<unknown>): Promise<unknown> {
  const outcome = await promise.then(
    () => ({ refused: false, error: undefined }),
    (error: unknown) => ({ refused: true, error }),
  );
  if (!outcome.refused) throw new Error("It was accepted, and should have been refused.");
  return outcome.error;
}
