import type { Write } from "../contract/storage.ts";

/**
 * What one transaction changed that must not be lost with the database: a choice, a request, an erasure.
 * Digests, random ids and sealed values, as they lie in the database.
 */
export interface JournalRecord {
  /** Random; a record that stands in the journal twice is one record. */
  readonly id: string;
  /** RFC 3339; when the transaction was decided. */
  readonly at: string;
  /** Outlives the subject: suppressions, requests, evidence, what was removed. */
  readonly writes: readonly Write[];
  /** What is the owner's alone (a subject, a parked opt-in) with its data key: blanked when the owner is erased. */
  readonly parts: readonly JournalPart[];
  /** The subject whose key this transaction destroyed. */
  readonly erased?: string;
  /** Two subjects became one. */
  readonly linked?: { readonly from: string; readonly to: string };
}

export interface JournalPart {
  readonly owner: string;
  readonly writes: readonly Write[];
}

/** Where a record stands: the numbers of one writer have no gap. */
export interface JournalPlace {
  readonly writer: string;
  readonly number: number;
}

/** A record as it is read back. */
export interface JournalLine extends JournalPlace {
  /** Without the parts that were blanked. */
  readonly record: JournalRecord;
  /** Owners whose parts were blanked. */
  readonly forgotten: readonly string[];
}

/** Which journal this is. */
export interface JournalIdentity {
  readonly id: string;
  /** Keyed digest of `id`: a journal of another keyring is of another controller. */
  readonly proof: string;
  /** Per writer, the last number that compaction left out. */
  readonly dropped: Readonly<Record<string, number>>;
  /** The same records' ids. */
  readonly droppedIds?: Readonly<Record<string, string>>;
  /** It was begun when its database had choices already, which it does not have. */
  readonly isLate?: true;
  /** The ids of the journals that the database had before, and that were lost. */
  readonly follows?: readonly string[];
}

/** An append-only record of choices outside the database. `fileJournal` makes one. */
export interface Journal {
  /**
   * Opens the journal; makes this one where there is none.
   * @returns undefined where there is none
   * @throws HeedError `journal-damaged`, `journal-failed`
   */
  open(begun?: JournalIdentity): Promise<JournalIdentity | undefined>;
  /** The newest record that anybody has appended, with its id; undefined where there is none. */
  last(): Promise<(JournalPlace & { readonly id: string }) | undefined>;
  /** All records in the order in which they were appended. @throws HeedError `journal-damaged` */
  read(): AsyncIterable<JournalLine>;
  /** Resolves when the record is on the disk. Those of one moment share one sync. @throws HeedError `journal-failed` */
  append(record: JournalRecord): Promise<JournalPlace>;
  /** Blanks every part of these owners, and of those that were linked into them; resolves when that is on the disk. */
  forget(owners: readonly string[]): Promise<void>;
  /**
   * Leaves out what was recorded before, and proves anew whose journal it is, under the key of today.
   * @param before RFC 3339 @returns how many records were left out
   */
  compact(before: string, proofOf: (id: string) => string): Promise<number>;
  close(): Promise<void>;
}
