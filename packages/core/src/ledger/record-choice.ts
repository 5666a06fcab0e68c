import { randomUUID } from "node:crypto";
import type { HeedContext } from "../context.ts";
import type { Decision, Write } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { evidenceDigests, evidenceWrite } from "../evidence/evidence.ts";
import { newDataKey, seal } from "../keys/sealed.ts";
import { preferenceSteps } from "../requests/plan.ts";
import { findSubject } from "./find-subject.ts";
import { isSilent, topicsIn, topicState } from "./choice.ts";
import {
  instantsOf,
  isOptOut,
  type ConsentEvidence,
  type EventKind,
  type LedgerEvent,
  type Scope,
} from "./event.ts";
import {
  identifiersOf,
  newSubject,
  suppressionDigests,
  suppressionLookups,
  withIdentifiers,
  type Named,
  type SubjectRecord,
} from "./subject-record.ts";
import { comeBack, erasedAt, silencedAt, suppress, suppressionScope } from "./suppression.ts";
import { transactOnSubjects } from "./under-lock.ts";

/** A choice to record. */
export interface Choice {
  /** Idempotency: an event of this id is recorded once. Default: a random one. */
  readonly id?: string;
  readonly kind: EventKind;
  readonly scope: Scope;
  /** RFC 3339; when the person chose, by the source's clock. Default: now. */
  readonly claimedAt?: string;
  /** RFC 3339; when the consent's validity, or a request's window, ends. */
  readonly until?: string;
  /** For `confirmed`: the id of the request. */
  readonly confirms?: string;
  readonly evidence?: ConsentEvidence;
  readonly channel?: string;
  readonly method?: string;
  readonly indicatedBy?: string;
  /** True for history brought in from elsewhere. */
  readonly imported?: boolean;
  /** Whether the caller established who the subject is. */
  readonly identityVerified?: boolean;
}

/** What a choice changed. */
export interface Changed {
  /** False when everything was so already. */
  readonly changed: boolean;
  /** The event's id; also when it was recorded before. Absent where nothing was recorded. */
  readonly eventId?: string;
  /** Ids of the steps that tell processors. */
  readonly steps: readonly string[];
  /** Processors that hold the topic but cannot be told, because their adapter lacks the operation. */
  readonly untold: readonly string[];
  /** Messages that were being handed over at this instant: they can no longer be stopped, and that is recorded. */
  readonly inFlight: number;
  /** True when an erasure is running: the opt-in waits until it has ended. */
  readonly parked: boolean;
}

const noSteps = { rows: [], untold: [] } as const;
const nothing: Changed = { changed: false, steps: [], untold: [], inFlight: 0, parked: false };

/** Whom a choice is about: identifiers as named by the caller, or one known subject. */
export type About = { readonly named: Named } | { readonly subjectId: string };

/**
 * Records a choice in one transaction: event, suppression, revoked permits, steps, evidence.
 * An opt-out always succeeds, for whoever is named, known or not.
 *
 * @throws ConflictError when an opt-in names identifiers of two people
 */
export async function recordChoice(
  context: HeedContext,
  about: About,
  choice: Choice,
  within?: unknown,
): Promise<Changed> {
  const select = "named" in about ? { digests: about.named.digests.flat() } : { subjectId: about.subjectId };
  const named = "named" in about ? about.named : undefined;
  const addresses = suppressionLookups(context, named?.identifiers ?? []);
  const { changed, revoked } = await transactOnSubjects(context, {
    select,
    read: { silences: { from: "suppressions", where: { digest: addresses } } },
    ...(within === undefined ? {} : { within }),
    decide: (records, { silences }, now) =>
      isOptOut(choice.kind)
        ? decideOptOut(context, records, named, choice, now)
        : decideOptIn(context, records, named, choice, silences, now),
  });
  context.livePermits.revoke(revoked);
  if (changed.eventId !== undefined)
    context.hub.emit("choice.recorded", { eventId: changed.eventId, steps: changed.steps });
  return changed;
}

type Decided = Decision<{ changed: Changed; revoked: readonly string[]; steps: readonly Row<"steps">[] }>;

/**
 * Everybody named is silenced: too much silence is the safe side.
 * @param request the request that this choice answers, with its work key
 */
export function decideOptOut(
  context: HeedContext,
  records: readonly SubjectRecord[],
  named: Named | undefined,
  choice: Choice,
  now: string,
  request?: { readonly id: string; readonly key: Uint8Array },
): Decided {
  const writes: Write[] = [];
  const revoked: string[] = [];
  const totals = {
    changed: false,
    inFlight: 0,
    steps: [] as Row<"steps">[],
    untold: new Set<string>(),
    eventId: undefined as string | undefined,
  };
  const isRepeat = records.some((record) => record.events.some((event) => event.id === choice.id));
  if (isRepeat)
    return {
      writes: [],
      answer: {
        changed: { ...nothing, ...(choice.id === undefined ? {} : { eventId: choice.id }) },
        revoked: [],
        steps: [],
      },
    };
  for (const record of subjectsToSilence(context, records, named, now, writes)) {
    const digests = suppressionDigests(context, identifiersOf(record.dataKey, record.identifiers));
    const stop = revokePermits(context, record, choice.scope, now);
    writes.push(...stop.writes);
    revoked.push(...stop.revoked);
    totals.inFlight += stop.inFlight;
    // Recorded also when known already: only then does it outweigh an older opt-in that is imported later.
    const isKnown = isSilent(context.policy, choice.scope, record.events);
    const event = newEvent(
      record,
      { ...choice, ...(totals.eventId === undefined ? {} : { id: randomUUID() }) },
      now,
    );
    const plan =
      record.frozenBy === null && !isKnown
        ? preferenceSteps(context, record, choice, event, request)
        : noSteps;
    writes.push(
      { insert: "events", row: event },
      ...suppress(digests, suppressionScope(choice.scope), "opted-out", event.effectiveAt),
      ...stepWrites(plan.rows),
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
  // With several people named it is not known whose the new identifier is: it becomes nobody else's.
  const created =
    only !== undefined && second === undefined ? { record: only, writes: [] } : newSubject(context, now);
  const extended = withIdentifiers(created.record, fresh, false, now);
  writes.push(...created.writes, ...extended.writes);
  return [extended.record, ...records.filter((record) => record.id !== extended.record.id)];
}

function decideOptIn(
  context: HeedContext,
  records: readonly SubjectRecord[],
  named: Named | undefined,
  choice: Choice,
  silences: readonly Row<"suppressions">[],
  now: string,
): Decided {
  const frozen = records.find((record) => record.frozenBy !== null);
  if (frozen?.frozenBy) return park(context, frozen, frozen.frozenBy, named, choice, now);
  const [first] = records;
  const erased = erasedAt(silences, first);
  // Nobody is created again by what they wished before they were erased.
  if (erased !== undefined && (choice.claimedAt ?? now) <= erased)
    return { writes: [], answer: { changed: nothing, revoked: [], steps: [] } };
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
  if (choice.id !== undefined && record.events.some((event) => event.id === choice.id)) {
    return { writes: [], answer: { changed: { ...nothing, eventId: choice.id }, revoked: [], steps: [] } };
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
  const plan = opened.length === 0 ? noSteps : preferenceSteps(context, record, choice, event);
  return {
    writes: [
      ...writes,
      ...(erased === undefined ? [] : comeBack(silences.map((row) => row.digest))),
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
): Decided {
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
    answer: { changed: { ...nothing, eventId: id, parked: true }, revoked: [], steps: [] },
  };
}

function stepWrites(rows: readonly Row<"steps">[]): readonly Write[] {
  return rows.map((row): Write => ({ insert: "steps", row }));
}

function newEvent(record: SubjectRecord, choice: Choice, now: string): Row<"events"> {
  const id = choice.id ?? randomUUID();
  const instants = instantsOf(
    { kind: choice.kind, claimedAt: choice.claimedAt, imported: choice.imported ?? false },
    record.events.at(-1)?.recordedAt,
    now,
  );
  return {
    id,
    subjectId: record.id,
    kind: choice.kind,
    scope: choice.scope.scope,
    name: choice.scope.name,
    ...instants,
    until: choice.until ?? null,
    confirms: choice.confirms ?? null,
    channel: choice.channel ?? "api",
    method: choice.method ?? (choice.imported ? "import" : "api"),
    indicatedBy: choice.indicatedBy ?? "subject",
    sealed:
      choice.evidence === undefined
        ? null
        : seal(record.dataKey, JSON.stringify(choice.evidence), `events/${id}`),
  };
}

/** Permits of the silenced topics: those not yet used are revoked, those being handed over are noted. */
export function revokePermits(
  context: HeedContext,
  record: SubjectRecord,
  scope: Scope | "everything",
  now: string,
): { writes: readonly Write[]; revoked: readonly string[]; inFlight: number } {
  const topics = scope === "everything" ? undefined : new Set(topicsIn(context.policy, scope));
  const touched = record.permits.filter((permit) => topics?.has(permit.topic) ?? true);
  const revoked = touched.filter((permit) => permit.state === "given").map((permit) => permit.id);
  const inFlight = touched.filter((permit) => permit.state === "handing-over" && permit.optedOutAt === null);
  return {
    writes: [
      ...revoked.map((id): Write => ({
        update: "permits",
        where: { id },
        set: { state: "revoked", optedOutAt: now },
      })),
      ...inFlight.map(({ id }): Write => ({ update: "permits", where: { id }, set: { optedOutAt: now } })),
      ...inFlight.map((permit): Write =>
        evidenceWrite(context, now, { kind: "message.in-flight", topic: permit.topic }),
      ),
    ],
    revoked,
    inFlight: inFlight.length,
  };
}

function choiceEvidence(context: HeedContext, record: SubjectRecord, event: Row<"events">): Write {
  return evidenceWrite(context, event.recordedAt, {
    kind: "choice.recorded",
    eventId: event.id,
    choice: event.kind as EventKind,
    scope: event.scope as Scope["scope"],
    ...(event.name === null ? {} : { name: event.name }),
    effectiveAt: event.effectiveAt,
    subject: evidenceDigests(context, identifiersOf(record.dataKey, record.identifiers)),
  });
}
