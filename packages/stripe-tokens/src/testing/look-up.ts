/** Fewer are looked through one by one. */
const many = 1000;

interface Index {
  readonly size: number;
  readonly rows: ReadonlyMap<unknown, readonly object[]>;
}

const indexes = new WeakMap<object, Map<string, Index>>();

/**
 * The rows of which a field may have a value: for the caller to compare. In an account of many they are those that had
 * it when a row was last added, so that an account of a hundred thousand answers as fast as a small one; what a test
 * then changes by hand is found under what it was.
 */
export function mayHave<T extends object>(
  rows: ReadonlyMap<string, T>,
  field: keyof T & string,
  value: unknown,
): readonly T[] {
  if (rows.size < many) return [...rows.values()];
  const known = indexes.get(rows) ?? new Map<string, Index>();
  indexes.set(rows, known);
  let index = known.get(field);
  if (index?.size !== rows.size) {
    index = { size: rows.size, rows: Map.groupBy(rows.values(), (row) => row[field]) };
    known.set(field, index);
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- made of these rows
  return (index.rows.get(value) ?? []) as readonly T[];
}

/** After a field was changed: it is looked up anew. */
export function changed(rows: ReadonlyMap<string, object>): void {
  indexes.delete(rows);
}
