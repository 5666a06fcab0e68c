import type { HeedContext } from "../context.ts";
import type { Decision, Write } from "../contract/storage.ts";
import type { Row, TableName } from "../contract/tables.ts";
import { destroyWrites } from "../engine/own-store.ts";
import { isOptOut } from "../ledger/event.ts";
import { linkSubjects } from "../ledger/link-subjects.ts";
import {
  indexDigests,
  readAgain,
  recordsOf,
  subjectReads,
  type SubjectRecord,
  type SubjectRows,
} from "../ledger/subject-record.ts";
import { isComeBack } from "../ledger/suppression.ts";
import { lockNames } from "../ledger/under-lock.ts";
import { markWrites } from "./journaled-storage.ts";
import { writeJson } from "./journal-line.ts";
import type { JournalLine, JournalPart, JournalRecord } from "./journal.ts";
import { keptOf } from "./kept-writes.ts";
import { blankedLink, frozenAs, isMove, linkAgain } from "./replay-link.ts";

/** What the lost records say about each other. */
export interface LostFacts {
  /** Subjects whose erasure ended in the lost time. */
  readonly erased: ReadonlySet<string>;
  /** Subjects that became another's. */
  readonly linked: ReadonlyMap<string, string>;
  /** Subjects of whom nothing is known but that they said no. */
  readonly onlySaidNo: ReadonlySet<string>;
}

export function factsOf(lines: readonly JournalLine[]): LostFacts {
  const [saidNo, cameBack] = [new Set<string>(), new Set<string>()];
  for (const { record } of lines) {
    const isReturn = record.writes.some(isComeBack);
    for (const { owner, writes } of record.parts) {
      const kinds = inserts(writes, "events").map(({ row }) => row.kind);
      if (isReturn || kinds.some((kind) => !isOptOut(kind))) cameBack.add(owner);
      else if (kinds.length > 0) saidNo.add(owner);
    }
  }
  return {
    onlySaidNo: new Set([...saidNo].filter((owner) => !cameBack.has(owner))),
    erased: new Set(lines.flatMap(({ record }) => record.erased ?? [])),
    linked: new Map(
      lines.flatMap(({ record: { linked } }) => (linked === undefined ? [] : [[linked.from, linked.to]])),
    ),
  };
}

/**
 * Brings one record back: each part in a transaction, then the rest together with the mark that it is there.
 * Repeating any of them changes nothing, so a crash in between costs nothing.
 */
export async function replayRecord(context: HeedContext, line: JournalLine, facts: LostFacts): Promise<void> {
  for (const part of line.record.parts) await replayPart(context, part, facts);
  await replayRest(context, line);
}

type InsertOf<T extends TableName> = Extract<Write, { readonly insert: T }>;

const inserts = <T extends TableName>(writes: readonly Write[], table: T): readonly InsertOf<T>[] =>
  writes.filter((write): write is InsertOf<T> => "insert" in write && write.insert === table);

type RequestUpdate = Extract<Write, { update: "requests" }>;

/** Rows of one owner: as they were, unless somebody else has one of the identifiers by now. */
async function replayPart(context: HeedContext, part: JournalPart, facts: LostFacts): Promise<void> {
  const { owner, writes } = part;
  const lookups = await lookupsOf(context, part);
  const digests = [...lookups.values()].flat();
  const holders = prefixed("holders/", subjectReads({ digests }));
  await context.storage.transact({
    lock: lockNames({ addresses: digests, subjects: [owner] }),
    clock: context.clock,
    read: { ...subjectReads({ subjectId: owner }), ...holders },
    decide: (rows, now): Decision<void> => {
      const replayed = redo(writes);
      const others = recordsOf(context, unprefixed("holders/", rows)).filter(({ id }) => id !== owner);
      const extra: Write[] = [];
      for (const other of others) {
        // Whoever is only silenced after an erasure has not come back: that erasure is carried out again.
        if (facts.erased.has(other.id) && !facts.onlySaidNo.has(owner)) {
          // The person was erased and came back: what the back-up has of before must not be taken for theirs.
          extra.push(...endErased(other, now));
          continue;
        }
        // They said no while this database waited, as somebody unknown to it, or after they were erased.
        const taken = new Set(other.identifiers.map((row) => row.digest));
        const isTaken = (digest: string) => lookups.get(digest)?.some((each) => taken.has(each)) === true;
        const own = writes.filter(
          (write) => !("insert" in write && write.insert === "identifiers" && isTaken(write.row.digest)),
        );
        // An earlier restoration has made one of the two, and its record comes later.
        if (facts.linked.get(owner) === other.id)
          return { writes: [...redo(own), ...plans(part)], answer: undefined };
        const [known] = recordsOf(context, rows);
        const kept = known ?? recordIn(context, own);
        if (kept === undefined) continue;
        const linked: readonly Write[] = [
          ...linkSubjects(kept, other, now).writes,
          ...frozenAs(other, owner),
        ];
        const record = keptOf(linked, now)?.record;
        const outbox: readonly Write[] =
          record === undefined
            ? []
            : [{ insert: "journal", row: { id: record.id, at: now, record: writeJson(record), joined: 0 } }];
        return { writes: [...redo(own), ...linked, ...outbox, ...plans(part)], answer: undefined };
      }
      return { writes: [...extra, ...replayed, ...plans(part)], answer: undefined };
    },
  });
}

function idIn({ where: { id } }: RequestUpdate): string {
  return typeof id === "string" ? id : "";
}

/** Each identifier of a part under every key: keys were rotated since, and somebody may be known under a newer one. */
async function lookupsOf(
  context: HeedContext,
  { owner, writes }: JournalPart,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const rows = inserts(writes, "identifiers").map((write) => write.row);
  if (rows.length === 0) return new Map();
  return context.storage.transact({
    lock: [],
    clock: context.clock,
    read: {
      subjects: { from: "subjects", where: { id: owner } },
      dataKeys: { from: "dataKeys", where: { owner } },
    },
    decide: ({ subjects, dataKeys }) => {
      const [subject] = [...inserts(writes, "subjects").map(({ row }) => row), ...subjects];
      const [key] = [...inserts(writes, "dataKeys").map(({ row }) => row), ...dataKeys];
      const under = (row: (typeof rows)[number]): readonly string[] => {
        if (subject === undefined || key === undefined) return [];
        const of = { ...context, namespace: subject.namespace };
        return indexDigests(of, readAgain(context.keys.unwrap(key.wrapped, key.keyId, owner), row));
      };
      return { writes: [], answer: new Map(rows.map((row) => [row.digest, [row.digest, ...under(row)]])) };
    },
  });
}

/** A subject as a part brings it. */
function recordIn(context: HeedContext, writes: readonly Write[]): SubjectRecord | undefined {
  const rowsOf = <T extends TableName>(table: T) =>
    inserts(writes, table).map((write) => write.row as unknown as Row<T>);
  const [record] = recordsOf(context, {
    subjects: rowsOf("subjects"),
    identifiers: rowsOf("identifiers"),
    dataKeys: rowsOf("dataKeys"),
    events: rowsOf("events"),
    openSteps: [],
    preferences: [],
    permits: [],
  });
  return record;
}

function plans({ owner, writes }: JournalPart): readonly Write[] {
  return inserts(writes, "events").map(({ row }): Write => ({
    insert: "restored",
    row: { id: row.id, subjectId: owner, kind: "choice" },
    orKeep: true,
  }));
}

/** What the back-up still has of somebody whose erasure had ended: destroyed, and their request is closed. */
function endErased(record: SubjectRecord, now: string): readonly Write[] {
  const requestId = record.frozenBy ?? "";
  return [
    ...destroyWrites(record.id, requestId, record.identifiers),
    {
      update: "steps",
      where: { subjectId: record.id, endedAt: { isNull: true } },
      set: {
        state: "cancelled",
        because: "erased-before",
        endedAt: now,
        dueAt: null,
        leaseUntil: null,
        sealed: null,
      },
    },
    {
      update: "requests",
      where: { subjectId: record.id, closedAt: { isNull: true } },
      set: { state: "partially_fulfilled", because: "erased-before", closedAt: now },
    },
  ];
}

/** What outlives the owners. An erasure that had ended is carried out again, wherever the person is here again. */
async function replayRest(context: HeedContext, line: JournalLine): Promise<void> {
  const { record } = line;
  const closing = record.writes.filter(
    (write): write is RequestUpdate =>
      "update" in write && write.update === "requests" && write.set.closedAt != null,
  );
  const requestIds = closing.map((write) => idIn(write));
  const subjectId = record.erased ?? "";
  const link = blankedLink(line);
  await context.storage.transact({
    lock: lockNames({
      subjects: [subjectId, ...(link === undefined ? [] : [link.from, link.to])],
      requests: requestIds,
    }),
    clock: context.clock,
    read: {
      ...prefixed("from/", subjectReads({ subjectId: link?.from ?? "" })),
      ...prefixed("to/", subjectReads({ subjectId: link?.to ?? "" })),
      taken: { from: "identifiers", where: { digest: record.writes.flatMap(newDigest) } },
      requests: { from: "requests", where: { id: requestIds } },
      subjects: {
        from: "subjects",
        where: { id: { via: "requests", column: "subjectId", where: { id: requestIds } } },
      },
      erased: { from: "subjects", where: { id: subjectId } },
      dataKeys: { from: "dataKeys", where: { owner: subjectId } },
      open: { from: "requests", where: { subjectId, right: "erasure", closedAt: { isNull: true } } },
    },
    decide: (rows, now): Decision<void> => {
      const isReadable = rows.erased.length > 0 && rows.dataKeys.length > 0;
      const goesOn = isReadable && rows.open.length > 0;
      const again = new Set(
        rows.requests
          .filter(
            (row) => row.right !== "withdrawal" && rows.subjects.some((each) => each.id === row.subjectId),
          )
          .map((row) => row.id),
      );
      const isAgain = (write: Write) =>
        "update" in write &&
        write.update === "requests" &&
        write.set.closedAt != null &&
        again.has(idIn(write)) &&
        (write.set.state === "fulfilled" || write.set.state === "partially_fulfilled");
      const isSkipped = record.erased === undefined ? record.writes.some(isAgain) : goesOn;
      const linkedAgain = linkAgain(context, link, unprefixed("from/", rows), unprefixed("to/", rows), now);
      const taken = new Set(rows.taken.map((row) => row.digest));
      const kept = record.writes.filter(
        (write) =>
          !(linkedAgain !== undefined && isMove(write, link)) &&
          // Rotated then, and known under the new key by a no of now: two rows of one address, which are both found.
          !newDigest(write).some((digest) => taken.has(digest)),
      );
      const writes = isSkipped ? kept.filter((write) => tableOf(write) === "suppressions") : kept;
      return {
        writes: [
          ...redo(writes),
          ...(linkedAgain ?? []),
          ...(isSkipped ? [] : endings(closing, record, now)),
          ...requestPlans(writes),
          ...markWrites(line),
        ],
        answer: undefined,
      };
    },
  });
}

/** What else ends with a request, and with a subject that became another. */
function endings(
  closing: readonly RequestUpdate[],
  { linked }: JournalRecord,
  now: string,
): readonly Write[] {
  const ended = closing.map((write) => idIn(write));
  return [
    {
      update: "steps",
      where: { requestId: ended, endedAt: { isNull: true } },
      set: { state: "cancelled", because: "request-closed", endedAt: now, dueAt: null, leaseUntil: null },
    },
    { update: "steps", where: { requestId: ended }, set: { sealed: null } },
    { update: "subjects", where: { frozenBy: ended }, set: { frozenBy: null } },
    ...(linked === undefined
      ? []
      : [
          {
            update: "steps",
            where: {
              subjectId: linked.to,
              requestId: { isNull: true },
              sealed: { isNull: false },
              endedAt: { isNull: true },
            },
            set: { sealed: null, phase: "resolve" },
          } as const,
        ]),
  ];
}

/** What an identifier is known by from a rotation of keys on. */
function newDigest(write: Write): readonly string[] {
  const digest = "update" in write && write.update === "identifiers" ? write.set.digest : undefined;
  return digest === undefined ? [] : [digest];
}

function requestPlans(writes: readonly Write[]): readonly Write[] {
  const ids = [
    ...inserts(writes, "requests").map(({ row }) => [row.id, row.subjectId]),
    ...writes.flatMap((write) =>
      "update" in write && write.update === "requests" && write.set.identity !== undefined
        ? [[idIn(write), ""]]
        : [],
    ),
  ];
  return ids.map(([id = "", subjectId = ""]): Write => ({
    insert: "restored",
    row: { id, subjectId, kind: "request" },
    orKeep: true,
  }));
}

const tableOf = (write: Write): string =>
  "insert" in write ? write.insert : "update" in write ? write.update : write.remove;

/** The writes of then, so that nothing happens twice and a newer silence is not made older. */
function redo(writes: readonly Write[]): readonly Write[] {
  return writes.map((write) => ("insert" in write ? { ...write, orKeep: true } : write));
}

function prefixed(prefix: string, reads: object): Record<never, never> {
  return Object.fromEntries(
    Object.entries(reads).map(([name, read]) => [`${prefix}${name}`, read as unknown]),
  );
}

function unprefixed(prefix: string, rows: object): SubjectRows {
  return Object.fromEntries(
    Object.entries(rows)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, found]) => [name.slice(prefix.length), found as unknown]),
  ) as unknown as SubjectRows;
}
