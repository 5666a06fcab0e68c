import { randomUUID } from "node:crypto";
import type { HeedContext } from "../context.ts";
import type { Write } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { stepEvidence } from "../engine/settle.ts";
import { evidenceDigests } from "../evidence/evidence.ts";
import { hurry, preferenceSteps } from "../requests/plan.ts";
import {
  choiceEvidence,
  isSame,
  newEvent,
  nothingChanged,
  stepWrites,
  type Changed,
  type Choice,
  type DecidedChoice,
} from "./choice-event.ts";
import { isSilent } from "./choice.ts";
import { identifiersOf, withIdentifiers } from "./identifiers.ts";
import { withSilences } from "./kept-out.ts";
import { lostOf, silenceLost, without } from "./lost-people.ts";
import { suppressionDigests, type Named } from "./name-subject.ts";
import { revokePermits } from "./revoke-permits.ts";
import { newSubject, type SubjectRecord } from "./subject-record.ts";
import { suppress, suppressionScope } from "./suppression.ts";

/**
 * Everybody named is silenced: too much silence is the safe side.
 * @param more.request the request that this choice answers, with its work key
 * @param more.unreadable identifiers of people whose data key is destroyed
 * @param more.silences suppressions of the addresses named
 */
export function decideOptOut(
  context: HeedContext,
  records: readonly SubjectRecord[],
  named: Named | undefined,
  choice: Choice,
  now: string,
  {
    request,
    unreadable = [],
    silences = [],
  }: {
    readonly request?: { readonly id: string; readonly key: Uint8Array };
    readonly unreadable?: readonly Row<"identifiers">[];
    readonly silences?: readonly Row<"suppressions">[];
  } = {},
): DecidedChoice {
  const lost = lostOf(named, unreadable);
  const writes: Write[] = [...silenceLost(context, lost, named, choice, now)];
  const revoked: string[] = [];
  const totals = {
    changed: lost.length > 0,
    inFlight: 0,
    steps: [] as Row<"steps">[],
    untold: new Set<string>(),
    eventId: undefined as string | undefined,
  };
  const sameId = records.flatMap((record) => record.events).filter((event) => event.id === choice.id);
  if (choice.id !== undefined && sameId.some((event) => isSame(event, choice))) {
    const changed = { ...nothingChanged, eventId: choice.id };
    return { writes: [], answer: { changed, revoked: [], steps: [] } };
  }
  // An opt-out is never dropped: where another event has its id, or more than one person is named, it gets its own.
  const idOf = (isFirst: boolean) => (isFirst && sameId.length === 0 ? {} : { id: randomUUID() });
  for (const record of subjectsToSilence(context, records, without(named, lost), now, writes)) {
    const digests = suppressionDigests(context, identifiersOf(record.dataKey, record.identifiers));
    const stop = revokePermits(context, record, choice.scope, now);
    writes.push(...stop.writes);
    revoked.push(...stop.revoked);
    totals.inFlight += stop.inFlight;
    const isKnown = isSilent(context.policy, choice.scope, record.events);
    const repeated = isKnown ? justSaid(choice, record, now) : undefined;
    if (repeated !== undefined) {
      // What no event says of this instant, the suppression does, should an older opt-in be imported.
      writes.push(...suppress(digests, suppressionScope(choice.scope), "opted-out", now));
      totals.eventId ??= repeated.id;
      continue;
    }
    // Recorded also when known already: only then does it outweigh an older opt-in that is imported later.
    const event = newEvent(record, { ...choice, ...idOf(totals.eventId === undefined) }, now);
    const isWhole =
      request !== undefined || !isKnown || record.identifiers.length > known(records, record.id);
    const found = withSilences(context, record, named, silences);
    const plan = preferenceSteps(context, found.record, choice, event, {
      ...(request === undefined ? {} : { request }),
      isWhole,
    });
    writes.push(
      ...found.writes,
      { insert: "events", row: event },
      ...suppress(digests, suppressionScope(choice.scope), "opted-out", event.effectiveAt),
      ...(choice.inBulk === true ? [] : hurry(record)),
      ...stepWrites(plan.rows),
      ...byHandEvidence(context, record, plan.rows, now),
      choiceEvidence(context, record, event),
    );
    totals.changed ||= !isKnown;
    totals.eventId ??= event.id;
    totals.steps.push(...plan.rows);
    for (const processor of plan.untold) totals.untold.add(processor);
  }
  const changed: Changed = {
    changed: totals.changed,
    steps: totals.steps.map((row) => row.id),
    untold: [...totals.untold],
    inFlight: totals.inFlight,
    parked: false,
    ...(totals.eventId === undefined ? {} : { eventId: totals.eventId }),
  };
  return { writes, answer: { changed, revoked, steps: totals.steps } };
}

/** The event that says the same and was recorded just now. */
function justSaid(choice: Choice, record: SubjectRecord, now: string): Row<"events"> | undefined {
  const { isOneForMs } = choice;
  if (isOneForMs === undefined) return undefined;
  return record.events.findLast(
    (event) => isSame(event, choice) && Date.parse(now) - Date.parse(event.recordedAt) < isOneForMs,
  );
}

/** A processor that only a human can tell: that it waits for one is proven like any other end of a step. */
function byHandEvidence(
  context: HeedContext,
  record: SubjectRecord,
  rows: readonly Row<"steps">[],
  now: string,
): readonly Write[] {
  const ended = rows.filter((row) => row.endedAt !== null);
  if (ended.length === 0) return [];
  const digests = evidenceDigests(context, identifiersOf(record.dataKey, record.identifiers));
  return ended.map((row) => stepEvidence(context, row, digests, now));
}

/** How many identifiers the subject had before this call. */
function known(records: readonly SubjectRecord[], id: string): number {
  return records.find((record) => record.id === id)?.identifiers.length ?? 0;
}

/** The named subjects; somebody unknown is recorded, so that processors which know them can be told. */
function subjectsToSilence(
  context: HeedContext,
  records: readonly SubjectRecord[],
  named: Named | undefined,
  now: string,
  writes: Write[],
): readonly SubjectRecord[] {
  if (named === undefined) return records;
  const taken = new Set(records.flatMap((record) => record.identifiers.map((row) => row.digest)));
  const unknown = named.identifiers
    .map((_, index) => index)
    .filter((index) => !named.digests[index]?.some((digest) => taken.has(digest)));
  const [only, second] = records;
  const fresh: Named = {
    identifiers: unknown.map((index) => named.identifiers[index]).filter((each) => each !== undefined),
    digests: unknown.map((index) => named.digests[index]).filter((each) => each !== undefined),
  };
  if (fresh.identifiers.length === 0) return records;
  // With several people named it is not known whose the new identifier is; during an erasure nothing is added.
  const isTheirs = only !== undefined && second === undefined && only.frozenBy === null;
  const created = isTheirs ? { record: only, writes: [] } : newSubject(context, now);
  const extended = withIdentifiers(context, created.record, fresh, false, now);
  writes.push(...created.writes, ...extended.writes);
  return [extended.record, ...records.filter((record) => record.id !== extended.record.id)];
}
