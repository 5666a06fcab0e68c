import type { HeedContext } from "../context.ts";
import type { InputOf } from "../contract/operation.ts";
import type { Row } from "../contract/tables.ts";
import { topicState, topicsVia } from "../ledger/choice.ts";
import type { SubjectRecord } from "../ledger/subject-record.ts";
import { silencedAt } from "../ledger/suppression.ts";
import { lanes, preferenceDeadline, seqOf, stepRows, type PlannedStep } from "./plan.ts";

/**
 * The steps that tell a recipient what somebody who may be there again wants and does not want by now: while they were
 * kept out, no opt-in was told there.
 */
export function standingSteps(
  context: HeedContext,
  record: SubjectRecord,
  processor: string,
  now: string,
): readonly Row<"steps">[] {
  const chosen = topicsVia(context.policy, processor).flatMap((topic) => {
    const state = topicState(context.policy, topic, record.events, now);
    return state.state === "never-asked" ? [] : [{ topic, ...state }];
  });
  const isSilenced = ({ topic, since }: (typeof chosen)[number]) => {
    const { class: topicClass, purpose = "" } = context.policy.topics[topic] ?? {};
    const silencedSince = silencedAt(record.silences, { name: topic, purpose });
    return topicClass === "marketing" && silencedSince !== undefined && since <= silencedSince;
  };
  const wanted = chosen.filter((each) => each.state === "given" && !isSilenced(each));
  const unwanted = chosen.filter((each) => each.state === "not-given");
  const base = { processor, stage: 0, deadlineAt: preferenceDeadline(now) };
  const plans = (["unsubscribe", "subscribe"] as const).flatMap((operation) => {
    const [first, ...others] = operation === "subscribe" ? wanted : unwanted;
    if (first === undefined || context.processors[processor]?.operations[operation] === undefined) return [];
    const topics = [first, ...others].map(({ topic }) => topic);
    const lane = operation === "subscribe" ? lanes.optIn : lanes.optOut;
    // Which of them still holds, and since when, is derived from the ledger when the step is claimed.
    const input: InputOf["subscribe"] | InputOf["unsubscribe"] =
      operation === "subscribe"
        ? { topics, basis: "consent", evidence: first.by, givenAt: first.since }
        : { topics };
    return [{ planned: { ...base, operation, lane, input } satisfies PlannedStep, eventId: first.by }];
  });
  const rows: Row<"steps">[] = [];
  for (const { planned, eventId } of plans) {
    const about = { seal: record.dataKey, seq: seqOf(now), now, requestId: null, eventId };
    const openSteps = [...record.openSteps, ...rows];
    rows.push(...stepRows(context, { id: record.id, openSteps }, [planned], about));
  }
  return rows;
}
