import { randomUUID } from "node:crypto";
import type { HeedContext } from "../context.ts";
import type { Decision, Write } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { evidenceDigests, evidenceWrite } from "../evidence/evidence.ts";
import { seal } from "../keys/sealed.ts";
import { instantsOf, type ConsentEvidence, type EventKind, type LedgerEvent, type Scope } from "./event.ts";
import { identifiersOf } from "./identifiers.ts";
import type { SubjectRecord } from "./subject-record.ts";

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
  /** True for one of many that arrived together: what tells processors of it gives way to single choices. */
  readonly inBulk?: boolean;
  /** For an opt-out by a link, which mail programs post again and again: for so long a repeat makes no new event. */
  readonly isOneForMs?: number;
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

/** What follows from a choice for one transaction. */
export type DecidedChoice = Decision<{
  readonly changed: Changed;
  readonly revoked: readonly string[];
  readonly steps: readonly Row<"steps">[];
}>;

export const noSteps = { rows: [], untold: [] } as const;
export const nothingChanged: Changed = { changed: false, steps: [], untold: [], inFlight: 0, parked: false };

/** Whether a recorded event says what the choice says: then an equal id means a repeat. */
export function isSame(event: LedgerEvent, choice: Choice): boolean {
  return event.kind === choice.kind && event.scope === choice.scope.scope && event.name === choice.scope.name;
}

export function stepWrites(rows: readonly Row<"steps">[]): readonly Write[] {
  return rows.map((row): Write => ({ insert: "steps", row }));
}

/** The event of a choice, for one subject. */
export function newEvent(record: SubjectRecord, choice: Choice, now: string): Row<"events"> {
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
        : seal(record.dataKey, JSON.stringify(choice.evidence), `events/${record.id}/${id}`),
  };
}

export function choiceEvidence(context: HeedContext, record: SubjectRecord, event: Row<"events">): Write {
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
