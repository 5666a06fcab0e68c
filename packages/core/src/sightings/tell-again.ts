import type { HeedContext } from "../context.ts";
import type { InputOf } from "../contract/operation.ts";
import type { Decision, Write } from "../contract/storage.ts";
import { stepWrites } from "../ledger/choice-event.ts";
import { topicState } from "../ledger/choice.ts";
import { suppressionLookups, type Named } from "../ledger/name-subject.ts";
import { isExcludedFrom } from "../ledger/kept-out.ts";
import type { SubjectRecord } from "../ledger/subject-record.ts";
import { keepsOut } from "../ledger/suppression.ts";
import { transactOnSubjects } from "../ledger/under-lock.ts";
import { lanes, preferenceDeadline, seqOf, stepRows, type PlannedStep } from "../requests/plan.ts";
import { isAbout } from "./own-work.ts";

/** Plans the step once more that brings a processor to what the ledger says, unless one is on its way. */
export async function tellAgain(
  context: HeedContext,
  processor: string,
  named: Named,
  topic: string,
  wished: "given" | "not-given",
): Promise<void> {
  const operation = wished === "given" ? "subscribe" : "unsubscribe";
  if (context.processors[processor]?.operations[operation] === undefined) return;
  await transactOnSubjects(context, {
    select: { digests: named.digests.flat() },
    read: {
      silences: { from: "suppressions", where: { digest: suppressionLookups(context, named.identifiers) } },
    },
    decide: (records, { silences }, now): Decision<void> => ({
      writes:
        operation === "subscribe" && silences.some((row) => keepsOut(row, processor))
          ? []
          : records.flatMap((record) => againWrites(context, record, { processor, operation, topic }, now)),
      answer: undefined,
    }),
  });
}

function againWrites(
  context: HeedContext,
  record: SubjectRecord,
  { processor, operation, topic }: Pick<PlannedStep, "processor" | "operation"> & { readonly topic: string },
  now: string,
): readonly Write[] {
  const isUnderWay = record.openSteps.some((step) => step.processor === processor && isAbout(step, topic));
  const state = topicState(context.policy, topic, record.events, now);
  const wished = operation === "subscribe" ? "given" : "not-given";
  const isKeptOut = operation === "subscribe" && isExcludedFrom(record, processor);
  if (record.frozenBy !== null || isUnderWay || isKeptOut || state.state !== wished) return [];
  const input: InputOf["subscribe"] | InputOf["unsubscribe"] =
    operation === "subscribe"
      ? { topics: [topic], basis: "consent", evidence: state.by, givenAt: state.since }
      : { topics: [topic] };
  const deadlineAt = preferenceDeadline(now);
  const lane = operation === "subscribe" ? lanes.optIn : lanes.optOut;
  const rows = stepRows(context, record, [{ processor, operation, stage: 0, lane, input, deadlineAt }], {
    seal: record.dataKey,
    seq: seqOf(now),
    now,
    requestId: null,
    eventId: state.by,
  });
  return stepWrites(rows);
}
