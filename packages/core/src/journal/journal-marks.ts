import type { Write } from "../contract/storage.ts";
import { droppedBehind, type KnownRecords } from "./journal-position.ts";
import type { Journal, JournalIdentity, JournalPlace } from "./journal.ts";

/** Notes that the database has a writer's records up to this one. */
export function markWrites({ writer, number }: JournalPlace): readonly Write[] {
  return [{ insert: "journalMarks", row: { writer, number, journal: "" }, orRaise: "number" }];
}

/** Notes that this is the database's journal. */
export function ownMark(id: string): readonly Write[] {
  return [
    { insert: "journalMarks", row: { writer: id, number: 0, journal: id }, orKeep: true },
    { update: "journalMarks", where: { writer: id }, set: { journal: id } },
  ];
}

/** Notes that this is the database's journal now, and which ones it had before: back-ups of then know only those. */
function becomes({ id, follows = [] }: JournalIdentity): readonly Write[] {
  return [
    { remove: "journalMarks", where: {} },
    ...ownMark(id),
    ...follows.map((writer): Write => ({
      insert: "journalMarks",
      row: { writer, number: 0, journal: "" },
      orKeep: true,
    })),
  ];
}

/** The ids of the journals that the database has had, this one last. A writer's numbers begin at 1. */
export function journalsOf({ marks, journal }: KnownRecords): readonly string[] {
  const former = [...marks].flatMap(([id, number]) => (number === 0 && id !== journal ? [id] : []));
  return journal === undefined ? former : [...former, journal];
}

/** Notes that the database has whatever is in this journal, and nothing of another. */
export async function marksAnew(journal: Journal, identity: JournalIdentity): Promise<readonly Write[]> {
  const last = new Map(Object.entries(identity.dropped));
  for await (const { writer, number } of journal.read()) last.set(writer, number);
  return [...becomes(identity), ...marksOf(last)];
}

/** Notes that the database has what this journal left out, and was begun without; what it has is to be replayed. */
export function marksOfLoss(
  identity: JournalIdentity,
  marks: ReadonlyMap<string, number>,
  journal: string | undefined,
): readonly Write[] {
  const isOther = journal !== identity.id;
  const dropped = droppedBehind(identity, { marks: isOther ? new Map() : marks });
  return [...(isOther ? becomes(identity) : ownMark(identity.id)), ...dropped.flatMap(markWrites)];
}

/** Notes it of what was recorded before an instant. @param there ids of records whose rows may be there still */
export async function marksBefore(
  journal: Journal,
  before: string,
  there: ReadonlySet<string>,
): Promise<readonly Write[]> {
  const last = new Map<string, number>();
  const counted: string[] = [];
  for await (const { writer, number, record } of journal.read()) {
    if (record.at >= before) continue;
    last.set(writer, number);
    if (there.has(record.id)) counted.push(record.id);
  }
  return [{ remove: "journal", where: { id: counted } }, ...marksOf(last)];
}

function marksOf(last: ReadonlyMap<string, number>): readonly Write[] {
  return [...last].flatMap(([writer, number]) => markWrites({ writer, number }));
}
