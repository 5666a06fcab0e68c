import type { HeedContext } from "../context.ts";
import type { Decision, Write } from "../contract/storage.ts";
import { lockNames } from "../ledger/under-lock.ts";
import { markWrites } from "./journal-position.ts";
import type { JournalLine, JournalRecord } from "./journal.ts";
import { idIn, redo, type RequestUpdate } from "./lost-writes.ts";
import { movedPlans, requestPlans } from "./to-plan.ts";

/** What outlives the owners. An erasure that had ended is carried out again, wherever the person is here again. */
export async function replayRest(context: HeedContext, line: JournalLine): Promise<void> {
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

const tableOf = (write: Write): string =>
  "insert" in write ? write.insert : "update" in write ? write.update : write.remove;
