import type { Clock } from "../contract/clock.ts";
import type { Decision, HeedStorage } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { HeedError } from "../errors/heed-error.ts";
import { beginJournal } from "./begin-journal.ts";
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

/** How a database stands to its journal. */
export interface Position {
  /** Undefined where there is none yet, and none could be begun inside the application's transaction. */
  readonly identity: JournalIdentity | undefined;
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
 *   when it belongs to another database or keyring; `journal-compacted` when it has left out what the database
 *   lacks, or was begun only after it; `journal-damaged`, `journal-failed`
 */
export async function compare(
  storage: HeedStorage,
  journal: Journal,
  keys: Keyring,
  clock: Clock,
  within?: unknown,
): Promise<Position> {
  const before = await knownRecords(storage, clock, within);
  const identity =
    (await journal.open()) ??
    (before.journal === undefined && within === undefined
      ? await beginJournal(storage, journal, keys, clock)
      : undefined);
  if (identity === undefined && before.journal === undefined)
    return { identity, lost: [], unforgotten: [], there: new Set() };
  if (identity === undefined) throw missing();
  refuseForeign(keys, identity);
  if (before.journal !== undefined && before.journal !== identity.id) {
    if (identity.follows?.includes(before.journal) !== true) throw foreign();
    // Begun anew, and the process died before the database had noted that: it is to be accepted again.
    throw before.marks.has(identity.id) ? missing() : compacted();
  }

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

  const isFromBefore = before.journal === undefined && identity.isLate === true;
  // Read after the file: whatever was in it then is committed by now, unless this is another copy.
  const after = await knownRecords(storage, clock, within);
  const unknown = beyond.filter((line) => !isKnown(line, after));
  const lost = unknown.length === 0 ? [] : await withoutCopies(journal, unknown, after);
  if (isFromBefore && !after.marks.has(identity.id)) throw compacted();
  if (droppedUnknown(identity, after).length > 0) throw compacted();
  const there = new Set(beyond.map((line) => line.record.id));
  return { identity, lost, unforgotten: [...erased].filter((owner) => readable.has(owner)), there };
}

/** Where each writer's records that compaction left out end, as far as the marks do not say that they are here. */
export function droppedBehind(
  { dropped }: JournalIdentity,
  { marks }: Pick<KnownRecords, "marks">,
): readonly JournalPlace[] {
  return Object.entries(dropped)
    .map(([writer, number]) => ({ writer, number }))
    .filter(({ writer, number }) => number > (marks.get(writer) ?? 0));
}

function droppedUnknown(identity: JournalIdentity, known: KnownRecords): readonly JournalPlace[] {
  const ids = identity.droppedIds ?? {};
  const isInOutbox = (id: string | undefined) => known.outbox.some((row) => row.id === id);
  return droppedBehind(identity, known).filter(({ writer }) => !isInOutbox(ids[writer]));
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

/** @throws HeedError `journal-foreign` */
export function refuseForeign(keys: Keyring, { id, proof }: JournalIdentity): void {
  if (keys.digests("restore", "journal", id).includes(proof)) return;
  const [keyId = ""] = proof.split(".");
  throw foreign(
    keys.ids.includes(keyId)
      ? ""
      : ` This one was begun under the key "${keyId}", which this process lacks or has as \`retired\`: if that was this database's key, add it to HEED_KEYS as \`lookup\`.`,
  );
}

function missing(): HeedError {
  return new HeedError(
    "The journal lacks what this database has appended to it: the file is missing, empty or an older copy. Put it back. If it is lost, heed.restore({ acceptLoss: true }) begins a new one.",
    { code: "journal-missing" },
  );
}

function compacted(): HeedError {
  return new HeedError(
    "This database is older than what the journal has, which was compacted or begun since: choices from in between are in neither. Restore a newer back-up. If there is none, heed.restore({ acceptLoss: true }) replays what there is.",
    { code: "journal-compacted" },
  );
}

function foreign(advice = ""): HeedError {
  return new HeedError(
    `This journal belongs to another database, or was begun under another keyring. Each database has a journal of its own.${advice}`,
    { code: "journal-foreign" },
  );
}
