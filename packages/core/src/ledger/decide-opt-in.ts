import { randomUUID } from "node:crypto";
import type { HeedContext } from "../context.ts";
import type { Row } from "../contract/tables.ts";
import { ConflictError } from "../errors/conflict-error.ts";
import { newDataKey, seal } from "../keys/sealed.ts";
import { preferenceSteps } from "../requests/plan.ts";
import {
  choiceEvidence,
  isSame,
  newEvent,
  nothingChanged,
  noSteps,
  stepWrites,
  type Choice,
  type DecidedChoice,
} from "./choice-event.ts";
import { topicsIn, topicState } from "./choice.ts";
import type { LedgerEvent } from "./event.ts";
import { findSubject } from "./find-subject.ts";
import { identifiersOf } from "./identifiers.ts";
import type { Named } from "./name-subject.ts";
import { withSilences } from "./kept-out.ts";
import type { SubjectRecord } from "./subject-record.ts";
import { comeBack, erasedAt, silencedAt } from "./suppression.ts";

/**
 * One person opts in.
 * @throws ConflictError `two-subjects`, when identifiers of two people are named and nobody has shown that they are one
 */
export function decideOptIn(
  context: HeedContext,
  records: readonly SubjectRecord[],
  named: Named | undefined,
  choice: Choice,
  silences: readonly Row<"suppressions">[],
  now: string,
): DecidedChoice {
  const frozen = records.find((record) => record.frozenBy !== null);
  if (frozen?.frozenBy) return park(context, frozen, frozen.frozenBy, named, choice, now);
  const [first] = records;
  const erased = erasedAt(silences, first);
  // Nobody is created again by what they wished before they were erased.
  if (erased !== undefined && (choice.claimedAt ?? now) <= erased)
    return { writes: [], answer: { changed: nothingChanged, revoked: [], steps: [] } };
  const { record, writes } =
    named === undefined && first !== undefined
      ? { record: first, writes: [] }
      : findSubject(
          context,
          records,
          named ?? { identifiers: [], digests: [] },
          choice.identityVerified ?? false,
          now,
        );
  const sameId = record.events.find((event) => event.id === choice.id);
  if (sameId !== undefined) {
    if (!isSame(sameId, choice)) {
      throw new ConflictError("Another event of this person has this id. Give each event an id of its own.", {
        code: "id-taken",
      });
    }
    return {
      writes: [],
      answer: { changed: { ...nothingChanged, eventId: sameId.id }, revoked: [], steps: [] },
    };
  }
  const event = newEvent(record, choice, now);
  const isOpen = (topic: string, events: readonly LedgerEvent[]): boolean => {
    const state = topicState(context.policy, topic, events, event.recordedAt);
    const { class: topicClass, purpose = "" } = context.policy.topics[topic] ?? {};
    const silenced = topicClass === "marketing" ? silencedAt(silences, { name: topic, purpose }) : undefined;
    return state.state === "given" && (silenced === undefined || state.since > silenced);
  };
  const opened = topicsIn(context.policy, choice.scope).filter(
    (topic) => !isOpen(topic, record.events) && isOpen(topic, [...record.events, event]),
  );
  const known = withSilences(context, record, named, silences);
  const plan =
    opened.length === 0 ? noSteps : preferenceSteps(context, known.record, choice, event, { isWhole: true });
  return {
    writes: [
      ...writes,
      ...known.writes,
      ...(erased === undefined
        ? []
        : comeBack(
            silences.map((row) => row.digest),
            now,
          )),
      { insert: "events", row: event },
      ...stepWrites(plan.rows),
      choiceEvidence(context, record, event),
    ],
    answer: {
      changed: {
        changed: true,
        eventId: event.id,
        steps: plan.rows.map((row) => row.id),
        untold: plan.untold,
        inFlight: 0,
        parked: false,
      },
      revoked: [],
      steps: plan.rows,
    },
  };
}

/** An opt-in during an erasure: kept sealed under a key of its own, applied when the erasure has ended. */
function park(
  context: HeedContext,
  record: SubjectRecord,
  requestId: string,
  named: Named | undefined,
  choice: Choice,
  now: string,
): DecidedChoice {
  const id = choice.id ?? randomUUID();
  const key = newDataKey();
  const identifiers = named?.identifiers ?? identifiersOf(record.dataKey, record.identifiers);
  const content = JSON.stringify({
    identifiers,
    choice: { ...choice, id, claimedAt: choice.claimedAt ?? now },
  });
  return {
    writes: [
      { insert: "dataKeys", row: { owner: id, ...context.keys.wrap(key, id) }, orKeep: true },
      {
        insert: "parked",
        row: { id, requestId, parkedAt: now, sealed: seal(key, content, `parked/${id}`) },
        orKeep: true,
      },
    ],
    answer: { changed: { ...nothingChanged, eventId: id, parked: true }, revoked: [], steps: [] },
  };
}
