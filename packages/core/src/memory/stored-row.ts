/** A value of any column. */
export type Value = string | number | Uint8Array | null;

/** A row as it is kept, whatever its table. */
export type StoredRow = Readonly<Record<string, Value>>;

/** Negative when `one` comes first. Null comes before everything else. */
export function compare(one: Value, other: Value): number {
  if (one === other) return 0;
  if (one === null || other === null) return one === null ? -1 : 1;
  return one < other ? -1 : 1;
}
