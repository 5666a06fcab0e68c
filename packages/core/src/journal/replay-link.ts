import type { HeedContext } from "../context.ts";
import type { Write } from "../contract/storage.ts";
import { newDataKey } from "../keys/sealed.ts";
import { linkSubjects } from "../ledger/link-subjects.ts";
import { nothingOf, recordsOf, type SubjectRecord, type SubjectRows } from "../ledger/subject-record.ts";
import type { JournalLine, JournalRecord } from "./journal.ts";

type Linked = NonNullable<JournalRecord["linked"]>;

/** Two subjects that became one who was erased since: what moved from one to the other was blanked. */
export function blankedLink({ record: { linked }, forgotten }: JournalLine): Linked | undefined {
  return linked !== undefined && forgotten.includes(linked.to) ? linked : undefined;
}

/**
 * Makes one of the two again, so that their erasure, carried out again, finds what the back-up has of both.
 * Undefined where the back-up has nothing of whom it was that became another.
 */
export function linkAgain(
  context: HeedContext,
  link: Linked | undefined,
  fromRows: SubjectRows,
  toRows: SubjectRows,
  now: string,
): readonly Write[] | undefined {
  const [from] = readable(context, fromRows);
  const namespace = fromRows.subjects[0]?.namespace;
  if (link === undefined || from === undefined || namespace === undefined) return undefined;
  const [known] = readable(context, toRows);
  const kept = known ?? nothingOf(link.to, now, newDataKey());
  const { id, dataKey } = kept;
  const made: readonly Write[] = [
    { insert: "subjects", row: { id, namespace, createdAt: now, frozenBy: null }, orKeep: true },
    { insert: "dataKeys", row: { owner: id, ...context.keys.wrap(dataKey, id) }, orKeep: true },
  ];
  return [
    ...(known === undefined ? made : []),
    ...linkSubjects(kept, from, now).writes,
    ...frozenAs(from, id),
  ];
}

/** Whether a write moved what belonged to whom it was that became another. */
export function isMove(write: Write, link: Linked | undefined): boolean {
  if (link === undefined || !("where" in write)) return false;
  const { subjectId, id, owner } = write.where as Readonly<Record<string, unknown>>;
  return subjectId === link.from || ("remove" in write && (id === link.from || owner === link.from));
}

/** An erasure that is under way goes on for whom they became. */
export function frozenAs({ frozenBy }: SubjectRecord, id: string): readonly Write[] {
  return frozenBy === null ? [] : [{ update: "subjects", where: { id }, set: { frozenBy } }];
}

/** Those whose data key is here too. */
function readable(context: HeedContext, rows: SubjectRows): readonly SubjectRecord[] {
  const owners = new Set(rows.dataKeys.map((row) => row.owner));
  return recordsOf(context, { ...rows, subjects: rows.subjects.filter((row) => owners.has(row.id)) });
}
