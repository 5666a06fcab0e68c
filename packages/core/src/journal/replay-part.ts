import type { HeedContext } from "../context.ts";
import type { Decision, Write } from "../contract/storage.ts";
import type { Row, TableName } from "../contract/tables.ts";
import { destroyWrites } from "../engine/own-store.ts";
import { readAgain } from "../ledger/identifiers.ts";
import { linkSubjects } from "../ledger/link-subjects.ts";
import { indexDigests } from "../ledger/name-subject.ts";
import { recordsOf, subjectReads, type SubjectRecord } from "../ledger/subject-record.ts";
import { lockNames } from "../ledger/under-lock.ts";
import { parkedStates } from "../requests/lifecycle.ts";
import type { JournalPart } from "./journal.ts";
import { keptOf } from "./kept-writes.ts";
import type { LostFacts } from "./lost-facts.ts";
import { inserts, redo } from "./lost-writes.ts";
import { outboxWrite } from "./outbox.ts";
import { prefixed, unprefixed } from "./prefixed-reads.ts";
import { frozenAs } from "./replay-link.ts";
import { choicePlans, movedPlans } from "./to-plan.ts";

/** Rows of one owner: as they were, unless somebody else has one of the identifiers by now. */
export async function replayPart(context: HeedContext, part: JournalPart, facts: LostFacts): Promise<void> {
  const { owner, writes } = part;
  const lookups = await lookupsOf(context, part);
  const digests = [...lookups.values()].flat();
  const holders = prefixed("holders/", subjectReads({ digests }));
  await context.storage.transact({
    lock: lockNames({ addresses: digests, subjects: [owner] }),
    clock: context.clock,
    read: {
      ...subjectReads({ subjectId: owner }),
      ...holders,
      unplanned: {
        from: "restored",
        where: { subjectId: { via: "identifiers", column: "subjectId", where: { digest: digests } } },
      },
    },
    decide: (rows, now): Decision<void> => {
      const replayed = redo(writes);
      const others = recordsOf(context, unprefixed("holders/", rows)).filter(({ id }) => id !== owner);
      // With this no, and after the erasure: what it names was the other's until then.
      const isMadeByNo = facts.onlySaidNo.has(owner) && inserts(writes, "subjects").length > 0;
      const extra: Write[] = [];
      for (const other of others) {
        // Whoever is only silenced after an erasure has not come back: that erasure is carried out again.
        if (facts.erased.has(other.id) && !isMadeByNo) {
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
          return { writes: [...redo(own), ...choicePlans(part)], answer: undefined };
        const [known] = recordsOf(context, rows);
        const kept = known ?? recordIn(context, own);
        if (kept === undefined) continue;
        const linked: readonly Write[] = [
          ...linkSubjects(kept, other, now).writes,
          ...frozenAs(other, owner),
        ];
        const record = keptOf(linked, now)?.record;
        const outbox = record === undefined ? [] : [outboxWrite(record, now, false)];
        const unplanned = rows.unplanned.filter((row) => row.subjectId === other.id);
        return {
          writes: [...redo(own), ...linked, ...outbox, ...movedPlans(unplanned, owner), ...choicePlans(part)],
          answer: undefined,
        };
      }
      return { writes: [...extra, ...replayed, ...choicePlans(part)], answer: undefined };
    },
  });
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
    steps: [],
    permits: [],
    ownSilences: [],
  });
  return record;
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
      update: "steps",
      where: { subjectId: record.id, state: parkedStates },
      set: { state: "cancelled", because: "erased-before" },
    },
    {
      update: "requests",
      where: { subjectId: record.id, closedAt: { isNull: true } },
      set: { state: "partially_fulfilled", because: "erased-before", closedAt: now },
    },
  ];
}
