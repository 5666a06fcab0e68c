import type { Reads } from "../contract/storage.ts";
import type { JournalPlace } from "./journal.ts";

/** Reads that find out whether a database knows a record, beside whatever else is read; none where there is no record. */
export function recordReads(record: (JournalPlace & { readonly id: string }) | undefined): Reads {
  if (record === undefined) return {};
  return {
    "journal/last": { from: "journal", where: { id: record.id } },
    "journal/mark": { from: "journalMarks", where: { writer: record.writer } },
  };
}

/** Whether the database lacks the record, and is an older copy. @param rows what {@link recordReads} brings */
export function lacksRecord(rows: object, record: JournalPlace | undefined): boolean {
  if (record === undefined) return false;
  const read = rows as Readonly<
    Record<"journal/last" | "journal/mark", readonly { readonly number?: number }[]>
  >;
  return read["journal/last"].length === 0 && (read["journal/mark"][0]?.number ?? 0) < record.number;
}

/** Reads that find out whether this is the database's journal still, beside whatever else is read. */
export function ownReads(journal: string | undefined): Reads {
  if (journal === undefined) return {};
  return { "journal/own": { from: "journalMarks", where: { writer: journal, journal } } };
}

/** Whether a journal was begun anew since: what was appended to the former one counts no more. @param rows of {@link ownReads} */
export function isBegunAnew(rows: object): boolean {
  const { "journal/own": own } = rows as { readonly "journal/own"?: readonly unknown[] };
  return own?.length === 0;
}
