import type { Write } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import type { JournalPart } from "./journal.ts";
import { idIn, inserts } from "./lost-writes.ts";

/** Notes that steps are to be planned for the choices of a part. */
export function choicePlans({ owner, writes }: JournalPart): readonly Write[] {
  return inserts(writes, "events").map(({ row }): Write => ({
    insert: "restored",
    row: { id: row.id, subjectId: owner, kind: "choice" },
    orKeep: true,
  }));
}

/** The same for the requests that were opened, or shown to be somebody's. */
export function requestPlans(writes: readonly Write[]): readonly Write[] {
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

/** What is still to be planned for a subject is so for the one that it became. */
export function movedPlans(rows: readonly Row<"restored">[], to: string): readonly Write[] {
  return rows.flatMap(({ id, subjectId, kind }): readonly Write[] => [
    { insert: "restored", row: { id, subjectId: to, kind }, orKeep: true },
    { remove: "restored", where: { subjectId, id } },
  ]);
}
