import { compare, type StoredRow, type Value } from "./stored-row.ts";

/** Rows in the order of one column, for queries that want the first ones behind a value. */
export class OrderedRows {
  readonly #column: string;
  readonly #rows: StoredRow[];

  constructor(column: string, rows: Iterable<StoredRow>) {
    this.#column = column;
    this.#rows = [...rows].toSorted((one, other) => compare(this.#valueOf(one), this.#valueOf(other)));
  }

  add(row: StoredRow): void {
    this.#rows.splice(this.#placeBehind(this.#valueOf(row)), 0, row);
  }

  remove(row: StoredRow): void {
    let place = this.#placeBehind(this.#valueOf(row)) - 1;
    while (place >= 0 && this.#rows[place] !== row) place -= 1;
    if (place >= 0) this.#rows.splice(place, 1);
  }

  /** The first rows whose value is above this one. */
  above(value: Value, limit: number): readonly StoredRow[] {
    const place = this.#placeBehind(value);
    return this.#rows.slice(place, place + limit);
  }

  #valueOf(row: StoredRow): Value {
    return row[this.#column] ?? null;
  }

  #placeBehind(value: Value): number {
    let [low, high] = [0, this.#rows.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const row = this.#rows[middle];
      if (row !== undefined && compare(this.#valueOf(row), value) <= 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
