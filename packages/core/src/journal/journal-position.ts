import type { Clock } from "../contract/clock.ts";
import type { Decision, HeedStorage, Write } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { HeedError } from "../errors/heed-error.ts";
import type { Keyring } from "../keys/keyring.ts";
import type { Journal, JournalIdentity, JournalLine, JournalPlace } from "./journal.ts";

/** What the database knows of its journal. */
export interface KnownRecords {
  readonly marks: ReadonlyMap<string, number>;
  /** The journal's id, once it has one. */
  readonly journal: string | undefined;
  /** On their way, or there and not yet counted. */
  readonly outbox: readonly Row<"journal">[];
  /** What a restoration has still to plan. */
  readonly unplanned: readonly Row<"restored">[];
}

/** @param within an open transaction of the application: it may be what others wait for */
export function knownRecords(storage: HeedStorage, clock: Clock, within?: unknown): Promise<KnownRecords> {
  return storage.transact({
    lock: [],
    clock,
    ...(within === undefined ? {} : { within }),
    read: {
      marks: { from: "journalMarks", where: {} },
      outbox: { from: "journal", where: {}, orderBy: ["at", "id"] },
      unplanned: { from: "restored", where: {} },
    },
    decide: ({ marks, outbox, unplanned }): Decision<KnownRecords> => ({
      writes: [],
      answer: {
        marks: new Map(marks.map((row) => [row.writer, row.number])),
        journal: marks.find((row) => row.journal !== "")?.journal,
        outbox,
        unplanned,
      },
    }),
  });
}

export function isKnown(line: JournalLine, known: KnownRecords): boolean {
  return (
    line.number <= (known.marks.get(line.writer) ?? 0) ||
    known.outbox.some((row) => row.id === line.record.id)
  );
}

/** Notes that the database has a writer's records up to this one. */
export function markWrites({ writer, number }: JournalPlace): readonly Write[] {
  return [
    { insert: "journalMarks", row: { writer, number, journal: "" }, orKeep: true },
    { update: "journalMarks", where: { writer, number: { atMost: number } }, set: { number } },
  ];
}

/** How a database stands to its journal. */
export interface Position {
  readonly identity: JournalIdentity;
  /** Records that the database does not have, in the order of the journal: it was restored from before them. */
  readonly lost: readonly JournalLine[];
  /** Owners that were erased and whose parts are readable still: the process died in between. */
  readonly unforgotten: readonly string[];
  /** Ids of records of the outbox that the journal has. */
  readonly there: ReadonlySet<string>;
}

/**
 * Compares a database with its journal. A record is committed here before it is appended there, so a database
 * that lacks one is an older copy.
 *
 * @throws HeedError `journal-missing` when the journal lacks what the database says is in it; `journal-foreign`
 *   when it belongs to another database or keyring; `journal-damaged`, `journal-failed`
 */
export async function compare(
  storage: HeedStorage,
  journal: Journal,
  keys: Keyring,
  clock: Clock,
  within?: unknown,
): Promise<Position> {
  const before = await knownRecords(storage, clock, within);
  const isNew = before.journal === undefined && before.outbox.length === 0;
  const identity = await journal.open(isNew ? proofWith(keys) : undefined);
  if (identity === undefined) throw missing();
  refuseForeign(keys, identity);
  if (before.journal !== undefined && before.journal !== identity.id) throw foreign();

  const last = new Map(Object.entries(identity.dropped));
  const beyond: JournalLine[] = [];
  const erased = new Set<string>();
  const readable = new Set<string>();
  const into: { readonly from: string; readonly to: string }[] = [];
  for await (const line of journal.read()) {
    last.set(line.writer, line.number);
    if (line.number > (before.marks.get(line.writer) ?? 0)) beyond.push(line);
    if (line.record.erased !== undefined) erased.add(line.record.erased);
    if (line.record.linked !== undefined) into.push(line.record.linked);
    for (const { owner } of line.record.parts) readable.add(owner);
  }
  for (const [writer, number] of before.marks)
    if (writer !== identity.id && number > (last.get(writer) ?? 0)) throw missing();
  for (const { from, to } of into.toReversed()) if (erased.has(to)) erased.add(from);

  // Read after the file: whatever was in it then is committed by now, unless this is another copy.
  const after = await knownRecords(storage, clock, within);
  const unknown = beyond.filter((line) => !isKnown(line, after));
  const lost = unknown.length === 0 ? [] : await withoutCopies(journal, unknown, after);
  const there = new Set(beyond.map((line) => line.record.id));
  return { identity, lost, unforgotten: [...erased].filter((owner) => readable.has(owner)), there };
}

/** A record may stand there twice: whoever appended it died before that was counted. */
async function withoutCopies(
  journal: Journal,
  unknown: readonly JournalLine[],
  known: KnownRecords,
): Promise<readonly JournalLine[]> {
  const ids = new Set(unknown.map((line) => line.record.id));
  for await (const line of journal.read()) if (isKnown(line, known)) ids.delete(line.record.id);
  return unknown.filter((line) => ids.has(line.record.id));
}

/** Nobody without the keyring can make a journal that is taken for this controller's. */
export function proofWith(keys: Keyring): (id: string) => string {
  return (id) => keys.digest("restore", "journal", id);
}

/** @throws HeedError `journal-foreign` */
export function refuseForeign(keys: Keyring, { id, proof }: JournalIdentity): void {
  if (!keys.digests("restore", "journal", id).includes(proof)) throw foreign();
}

function missing(): HeedError {
  return new HeedError(
    "The journal lacks what this database has appended to it: the file is missing, empty or an older copy. Put it back. If it is lost, heed.restore({ acceptLoss: true }) begins a new one.",
    { code: "journal-missing" },
  );
}

function foreign(): HeedError {
  return new HeedError(
    "This journal belongs to another database, or was begun under another keyring. Each database has a journal of its own.",
    { code: "journal-foreign" },
  );
}
