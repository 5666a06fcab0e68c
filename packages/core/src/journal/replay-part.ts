import type { HeedContext } from "../context.ts";
import type { Decision, Write } from "../contract/storage.ts";
import type { Row, TableName } from "../contract/tables.ts";
import { destroyWrites } from "../engine/own-store.ts";
import { linkSubjects } from "../ledger/link-subjects.ts";
import { recordsOf, subjectReads, type SubjectRecord } from "../ledger/subject-record.ts";
import { lockNames } from "../ledger/under-lock.ts";
import { writeJson } from "./journal-line.ts";
import type { JournalPart } from "./journal.ts";
import { keptOf } from "./kept-writes.ts";
import type { LostFacts } from "./lost-facts.ts";
import { inserts, redo } from "./lost-writes.ts";
import { choicePlans } from "./to-plan.ts";

/** Rows of one owner: as they were, unless somebody else has one of the identifiers by now. */
export async function replayPart(context: HeedContext, part: JournalPart, facts: LostFacts): Promise<void> {
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
          return { writes: [...redo(own), ...choicePlans(part)], answer: undefined };
        const [known] = recordsOf(context, rows);
        const kept = known ?? recordIn(context, own);
        if (kept === undefined) continue;
        const linked = linkSubjects(kept, other, now).writes;
        const record = keptOf(linked, now)?.record;
        const outbox: readonly Write[] =
          record === undefined
            ? []
            : [{ insert: "journal", row: { id: record.id, at: now, record: writeJson(record) } }];
        return { writes: [...redo(own), ...linked, ...outbox, ...choicePlans(part)], answer: undefined };
      }
      return { writes: [...extra, ...replayed, ...choicePlans(part)], answer: undefined };
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
