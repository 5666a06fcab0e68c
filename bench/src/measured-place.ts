import type { HeedStorage } from "@heed/core";

/** How much room a table takes. */
export interface TableSize {
  readonly table: string;
  readonly rows: number;
  /** The rows themselves, values that lie beside them included. */
  readonly tableBytes: number;
  readonly indexes: readonly { readonly name: string; readonly bytes: number; readonly scans?: number }[];
}

/** What was touched so far, by table: pages of the table and of its indexes, in memory or not. */
export type PagesTouched = ReadonlyMap<string, number>;

/** A storage whose files can be looked at from outside. */
export interface MeasuredPlace {
  readonly storage: HeedStorage;
  /** Tidies up as the database itself would in time, and measures. */
  sizes(): Promise<readonly TableSize[]>;
  /** Measures as if everything had been written once, without gaps; absent where there is no such thing. */
  packed?(): Promise<readonly TableSize[]>;
  /** How much was written to the write-ahead log so far; undefined where that is not known. */
  logBytes(): Promise<number | undefined>;
  /** Undefined where that is not known. */
  pagesTouched(): Promise<PagesTouched | undefined>;
  close(): Promise<void>;
}
