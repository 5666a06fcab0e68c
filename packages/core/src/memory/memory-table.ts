import type { TableDefinition } from "../contract/tables.ts";
import { ConflictError } from "../errors/conflict-error.ts";
import { OrderedRows } from "./ordered-rows.ts";
import type { StoredRow, Value } from "./stored-row.ts";

/** Rows by the values of some columns. Rows with a null among them are in no bucket: null equals nothing. */
interface HashIndex {
  readonly columns: readonly string[];
  readonly unique: boolean;
  readonly buckets: Map<string, Set<StoredRow>>;
}

/** Every column list that an equality can be looked up by: keys, and each index with its prefixes. */
function hashIndexes(definition: TableDefinition): readonly HashIndex[] {
  const indexes = new Map<string, HashIndex>();
  const add = (columns: readonly string[], unique: boolean) => {
    const name = columns.join();
    if (!indexes.has(name)) indexes.set(name, { columns, unique, buckets: new Map() });
  };
  const unique = [definition.key, ...(definition.unique ?? [])];
  for (const columns of unique) add(columns, true);
  const set = Object.values(definition.whereSet ?? {}).flat();
  for (const columns of [...unique, ...definition.indexes, ...set]) {
    for (let length = columns.length; length > 0; length -= 1) add(columns.slice(0, length), false);
  }
  return [...indexes.values()];
}

/** The values that each column may have. */
export type Equalities = ReadonlyMap<string, ReadonlySet<Value>>;

function bucketOf(index: HashIndex, row: StoredRow): string | undefined {
  const values = index.columns.map((column) => row[column]);
  return values.includes(null) ? undefined : JSON.stringify(values);
}

/** The buckets for each combination of the values that the index's columns may have. */
function bucketsFor(index: HashIndex, equals: Equalities): readonly string[] {
  let tuples: readonly (readonly Value[])[] = [[]];
  for (const column of index.columns) {
    const longer: (readonly Value[])[] = [];
    for (const tuple of tuples) for (const value of equals.get(column) ?? []) longer.push([...tuple, value]);
    tuples = longer;
  }
  return tuples.map((tuple) => JSON.stringify(tuple));
}

/** One table in memory: its rows, and hash indexes over them as the definition declares. */
export class MemoryTable {
  readonly #name: string;
  readonly #rows = new Set<StoredRow>();
  readonly #indexes: readonly HashIndex[];
  /** Which index answers for some columns: few are ever asked for together. */
  readonly #chosen = new Map<string, HashIndex | undefined>();
  /** By column, made when first asked for. */
  readonly #ordered = new Map<string, OrderedRows>();

  constructor(name: string, definition: TableDefinition) {
    this.#name = name;
    this.#indexes = hashIndexes(definition);
  }

  /** @throws ConflictError when a row with the same key, or the same unique values, is there */
  add(row: StoredRow): void {
    for (const index of this.#indexes) {
      if (!index.unique || !index.buckets.has(bucketOf(index, row) ?? "")) continue;
      throw new ConflictError(
        `A row of ${this.#name} with the same ${index.columns.join(", ")} is there already.`,
        {
          code: "duplicate-row",
        },
      );
    }
    this.#rows.add(row);
    for (const ordered of this.#ordered.values()) ordered.add(row);
    for (const index of this.#indexes) {
      const name = bucketOf(index, row);
      if (name === undefined) continue;
      const bucket = index.buckets.get(name);
      if (bucket === undefined) index.buckets.set(name, new Set([row]));
      else bucket.add(row);
    }
  }

  remove(row: StoredRow): void {
    if (this.#rows.delete(row)) for (const ordered of this.#ordered.values()) ordered.remove(row);
    for (const index of this.#indexes) {
      const name = bucketOf(index, row);
      const bucket = name === undefined ? undefined : index.buckets.get(name);
      bucket?.delete(row);
      if (name !== undefined && bucket?.size === 0) index.buckets.delete(name);
    }
  }

  /** The first rows, in the column's order, whose value is above this one. */
  above(column: string, value: Value, limit: number): readonly StoredRow[] {
    const ordered = this.#ordered.get(column) ?? new OrderedRows(column, this.#rows);
    this.#ordered.set(column, ordered);
    return ordered.above(value, limit);
  }

  /**
   * Rows among which are all those with the wanted values: by the index that covers most of the wanted
   * columns, or every row where none does.
   */
  candidates(equals: Equalities): readonly StoredRow[] {
    const index = this.#indexFor(equals);
    if (index === undefined) return [...this.#rows];
    return bucketsFor(index, equals).flatMap((name) => Array.from(index.buckets.get(name) ?? []));
  }

  #indexFor(equals: Equalities): HashIndex | undefined {
    const wanted = [...equals.keys()].join();
    if (this.#chosen.has(wanted)) return this.#chosen.get(wanted);
    const index = this.#indexes
      .filter(({ columns }) => columns.every((column) => equals.has(column)))
      .toSorted((one, other) => other.columns.length - one.columns.length)[0];
    this.#chosen.set(wanted, index);
    return index;
  }
}
