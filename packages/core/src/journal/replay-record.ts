import type { HeedContext } from "../context.ts";
import type { Decision, Write } from "../contract/storage.ts";
import type { Row, TableName } from "../contract/tables.ts";
import { destroyWrites } from "../engine/own-store.ts";
import { linkSubjects } from "../ledger/link-subjects.ts";
import { recordsOf, subjectReads, type SubjectRecord } from "../ledger/subject-record.ts";
import { lockNames } from "../ledger/under-lock.ts";
import { markWrites } from "./journaled-storage.ts";
import { writeJson } from "./journal-line.ts";
import type { JournalLine, JournalPart, JournalRecord } from "./journal.ts";
import { keptOf } from "./kept-writes.ts";

/** What the lost records say about each other. */
export interface LostFacts {
  /** Subjects whose erasure ended in the lost time. */
  readonly erased: ReadonlySet<string>;
  /** Subjects that became another's. */
  readonly linked: ReadonlyMap<string, string>;
}

export function factsOf(lines: readonly JournalLine[]): LostFacts {
  return {
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
  const digests = inserts(writes, "identifiers").map((write) => write.row.digest);
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
        if (facts.erased.has(other.id)) {
          // The person was erased and came back: what the back-up has of before must not be taken for theirs.
          extra.push(...endErased(other, now));
          continue;
        }
        // They said no while this database waited, as somebody unknown to it.
        const taken = new Set(other.identifiers.map((row) => row.digest));
        const own = writes.filter(
          (write) => !("insert" in write && write.insert === "identifiers" && taken.has(write.row.digest)),
        );
        // An earlier restoration has made one of the two, and its record comes later.
        if (facts.linked.get(owner) === other.id)
          return { writes: [...redo(own), ...plans(part)], answer: undefined };
        const [known] = recordsOf(context, rows);
        const kept = known ?? recordIn(context, own);
        if (kept === undefined) continue;
        const linked = linkSubjects(kept, other, now).writes;
        const record = keptOf(linked, now)?.record;
        const outbox: readonly Write[] =
          record === undefined
            ? []
            : [{ insert: "journal", row: { id: record.id, at: now, record: writeJson(record) } }];
        return { writes: [...redo(own), ...linked, ...outbox, ...plans(part)], answer: undefined };
      }
      return { writes: [...extra, ...replayed, ...plans(part)], answer: undefined };
    },
  });
}

function idIn({ where: { id } }: RequestUpdate): string {
  return typeof id === "string" ? id : "";
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

/** What is still to be planned for a subject is so for the one that it became. */
function movedPlans(rows: readonly Row<"restored">[], to: string): readonly Write[] {
  return rows.flatMap(({ id, subjectId, kind }): readonly Write[] => [
    { insert: "restored", row: { id, subjectId: to, kind }, orKeep: true },
    { remove: "restored", where: { subjectId, id } },
  ]);
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
  const { linked } = record;
  const closing = record.writes.filter(
    (write): write is RequestUpdate =>
      "update" in write && write.update === "requests" && write.set.closedAt != null,
  );
  const requestIds = closing.map((write) => idIn(write));
  const subjectId = record.erased ?? "";
  await context.storage.transact({
    lock: lockNames({ subjects: [subjectId], requests: requestIds }),
    clock: context.clock,
    read: {
      requests: { from: "requests", where: { id: requestIds } },
      subjects: {
        from: "subjects",
        where: { id: { via: "requests", column: "subjectId", where: { id: requestIds } } },
      },
      erased: { from: "subjects", where: { id: subjectId } },
      dataKeys: { from: "dataKeys", where: { owner: subjectId } },
      open: { from: "requests", where: { subjectId, right: "erasure", closedAt: { isNull: true } } },
      unplanned: { from: "restored", where: { subjectId: linked === undefined ? [] : [linked.from] } },
    },
    decide: (rows, now): Decision<void> => {
      const asking = rows.requests.map((row) => row.subjectId);
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
      const writes = isSkipped
        ? record.writes.filter((write) => tableOf(write) === "suppressions")
        : record.writes;
      return {
        writes: [
          ...redo(writes),
          ...(isSkipped ? [] : endings(requestIds, asking, linked, now)),
          ...(linked === undefined ? [] : movedPlans(rows.unplanned, linked.to)),
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
  ended: readonly string[],
  subjects: readonly string[],
  linked: JournalRecord["linked"],
  now: string,
): readonly Write[] {
  return [
    {
      update: "steps",
      where: { requestId: ended, endedAt: { isNull: true } },
      set: { state: "cancelled", because: "request-closed", endedAt: now, dueAt: null, leaseUntil: null },
    },
    { update: "steps", where: { requestId: ended }, set: { sealed: null } },
    { update: "subjects", where: { id: subjects, frozenBy: ended }, set: { frozenBy: null } },
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

function unprefixed(prefix: string, rows: object): Parameters<typeof recordsOf>[1] {
  return Object.fromEntries(
    Object.entries(rows)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, found]) => [name.slice(prefix.length), found as unknown]),
  ) as unknown as Parameters<typeof recordsOf>[1];
}
