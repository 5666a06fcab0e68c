import type { HeedContext } from "../context.ts";
import type { Decision, Write } from "../contract/storage.ts";
import { subjectReads } from "../ledger/subject-record.ts";
import { lockNames } from "../ledger/under-lock.ts";
import { markWrites } from "./journal-marks.ts";
import type { JournalLine, JournalRecord } from "./journal.ts";
import { idIn, redo, type RequestUpdate } from "./lost-writes.ts";
import { prefixed, unprefixed } from "./prefixed-reads.ts";
import { blankedLink, isMove, linkAgain } from "./replay-link.ts";
import { movedPlans, requestPlans } from "./to-plan.ts";
import { hasPlan, parkedStates } from "../requests/lifecycle.ts";

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
      unplanned: { from: "restored", where: { subjectId: linked === undefined ? [] : [linked.from] } },
    },
    decide: (rows, now): Decision<void> => {
      // Whoever asked may become another with the same record.
      const asking = [
        ...rows.requests.map((row) => row.subjectId),
        ...(linked === undefined ? [] : [linked.to]),
      ];
      const isReadable = rows.erased.length > 0 && rows.dataKeys.length > 0;
      const goesOn = isReadable && rows.open.length > 0;
      // One transaction ends the requests of many: each of them is carried out again by itself, or not.
      const again = new Set(
        closing
          .filter(({ set }) => set.state === "fulfilled" || set.state === "partially_fulfilled")
          .map((write) => idIn(write))
          .filter((id) => {
            const request = rows.requests.find((row) => row.id === id);
            return (
              request !== undefined &&
              hasPlan(request.right) &&
              rows.subjects.some((each) => each.id === request.subjectId)
            );
          }),
      );
      const isLeftOut = (write: Write) =>
        !["suppressions", "farewells"].includes(tableOf(write)) &&
        (record.erased === undefined ? isEndOf(write, again) : goesOn);
      const linkedAgain = linkAgain(context, link, unprefixed("from/", rows), unprefixed("to/", rows), now);
      const taken = new Set(rows.taken.map((row) => row.digest));
      const kept = record.writes.filter(
        (write) =>
          !(linkedAgain !== undefined && isMove(write, link)) &&
          // Rotated then, and known under the new key by a no of now: two rows of one address, which are both found.
          !newDigest(write).some((digest) => taken.has(digest)),
      );
      const writes = kept.filter((write) => !isLeftOut(write));
      const ended = record.erased !== undefined && goesOn ? [] : requestIds.filter((id) => !again.has(id));
      return {
        writes: [
          ...redo(writes),
          ...(linkedAgain ?? []),
          ...endings(ended, asking, linked, now),
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
    {
      update: "steps",
      where: { requestId: ended, state: parkedStates },
      set: { state: "cancelled", because: "request-closed" },
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

/** What an identifier is known by from a rotation of keys on. */
function newDigest(write: Write): readonly string[] {
  const digest = "update" in write && write.update === "identifiers" ? write.set.digest : undefined;
  return digest === undefined ? [] : [digest];
}

/** Whether it is the end of one of these requests, or evidence about it. */
function isEndOf(write: Write, requests: ReadonlySet<string>): boolean {
  if ("insert" in write) return write.insert === "evidence" && requests.has(write.row.requestId ?? "");
  if ("update" in write)
    return write.update === "requests" && write.set.closedAt != null && requests.has(idIn(write));
  if (write.remove !== "dataKeys") return false;
  const { owner } = write.where;
  return typeof owner === "string" && requests.has(owner);
}

const tableOf = (write: Write): string =>
  "insert" in write ? write.insert : "update" in write ? write.update : write.remove;
