import type { HeedContext } from "../context.ts";
import type { JournalLine } from "./journal.ts";

/**
 * How many of the erasures that ended in the lost time are of people of whom this database can read nothing: they came
 * after it was copied, or their keys have gone from a file of their own. What the journal had of them was blanked.
 */
export async function unknownErasures(
  { storage, clock }: HeedContext,
  lost: readonly JournalLine[],
): Promise<number> {
  const erased = new Set(lost.flatMap(({ record }) => record.erased ?? []));
  if (erased.size === 0) return 0;
  // Whoever became another was erased with them, under that one's name.
  const names = new Map([...erased].map((id) => [id, id]));
  for (const { record } of lost.toReversed()) {
    const name = names.get(record.linked?.to ?? "");
    if (record.linked !== undefined && name !== undefined) names.set(record.linked.from, name);
  }
  const ids = [...names.keys()];
  const known = await storage.transact({
    lock: [],
    clock,
    read: {
      subjects: { from: "subjects", where: { id: ids } },
      dataKeys: { from: "dataKeys", where: { owner: ids } },
    },
    decide: ({ subjects, dataKeys }) => {
      const owners = new Set(dataKeys.map((row) => row.owner));
      return { writes: [], answer: subjects.map(({ id }) => id).filter((id) => owners.has(id)) };
    },
  });
  for (const id of known) erased.delete(names.get(id) ?? id);
  return erased.size;
}
