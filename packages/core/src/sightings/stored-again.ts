import { createHash, randomUUID } from "node:crypto";
import type { HeedContext } from "../context.ts";
import type { Identifier } from "../contract/identifier.ts";
import type { InputOf } from "../contract/operation.ts";
import type { Decision, Write } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import type { Claim } from "../engine/claim.ts";
import { newDataKey } from "../keys/sealed.ts";
import { suppressionLookups } from "../ledger/name-subject.ts";
import type { SubjectRecord } from "../ledger/subject-record.ts";
import { erasedAt } from "../ledger/suppression.ts";
import { transactOnSubjects } from "../ledger/under-lock.ts";
import { lanes, preferenceDeadline, seqOf, stepRows, type PlannedStep } from "../requests/plan.ts";
import { nameThose } from "./name-those.ts";

/**
 * Something to pay with was stored of somebody of whom that had been forgotten: heed forgets nothing that a person may
 * just have given anew, and a human is told to look.
 */
export async function raiseAlarm(
  context: HeedContext,
  { step }: Claim,
  identifiers: readonly Identifier[],
): Promise<void> {
  const named = nameThose(context, identifiers);
  if (named === undefined) return;
  const digests = named.digests.flat();
  await transactOnSubjects(context, {
    select: { digests },
    read: {
      requests: {
        from: "requests",
        where: {
          subjectId: { via: "identifiers", column: "subjectId", where: { digest: digests } },
          right: "forget-tokens",
          closedAt: { isNull: false },
        },
      },
      silences: {
        from: "suppressions",
        where: { digest: suppressionLookups(context, named.identifiers), scope: "everything" },
      },
    },
    decide: (records, { requests, silences }, now): Decision<void> => {
      const record = records.find(({ id }) => requests.some((request) => request.subjectId === id));
      const isErased = erasedAt(silences, records[0]) !== undefined;
      if (record === undefined && !isErased) return { writes: [], answer: undefined };
      return { writes: alarmWrites(context, record, step, now), answer: undefined };
    },
  });
}

function alarmWrites(
  context: HeedContext,
  record: SubjectRecord | undefined,
  { id, processor }: Row<"steps">,
  now: string,
): readonly Write[] {
  const [owner, key] = [record?.id ?? randomUUID(), record?.dataKey ?? newDataKey()];
  const instruction = `A payment method was stored at "${processor}" for somebody whose payment methods had been forgotten. If they gave it anew, acknowledge this step. If not, find out what stored it, and have it forgotten: heed.paidService.ended().`;
  const input: InputOf["forgetTokens"] = { endsPaidService: "refused", keep: [] };
  const planned: PlannedStep = {
    processor,
    operation: "forgetTokens",
    stage: 1,
    lane: lanes.request,
    deadlineAt: preferenceDeadline(now),
    input,
    ended: { state: "manual", because: "stored-again", instruction },
  };
  const about = { seal: key, seq: seqOf(now), now, requestId: null, eventId: null };
  // Once for this look, also where it is repeated.
  const alarmId = createHash("sha256").update(`${id}/stored-again`).digest("base64url");
  return [
    ...(record === undefined
      ? [{ insert: "dataKeys", row: { owner, ...context.keys.wrap(key, owner) } } as const]
      : []),
    ...stepRows(
      context,
      { id: owner, openSteps: record?.openSteps ?? [] },
      [planned],
      about,
      () => alarmId,
    ).map((row): Write => ({ insert: "steps", row, orKeep: true })),
  ];
}
