import type { Write } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { open, seal } from "../keys/sealed.ts";
import { stepsToRelease } from "../requests/gates.ts";
import type { SubjectRecord } from "./subject-record.ts";

/**
 * Makes one subject of two that were shown to be one person: what belongs to `other` moves to `kept` and is
 * sealed again under its key. Preferences of `other` that are open start over with resolving, because what
 * they found lies under a key that goes. What a worker has in hand of `other` is void, and comes again when its
 * lease would have ended.
 */
export function linkSubjects(
  kept: SubjectRecord,
  other: SubjectRecord,
  now: string,
): { record: SubjectRecord; writes: readonly Write[] } {
  const reseal = (sealed: Uint8Array, context: string) =>
    seal(kept.dataKey, open(other.dataKey, sealed, context), context);
  const identifiers = other.identifiers.map((row) => ({
    ...row,
    subjectId: kept.id,
    sealed: reseal(row.sealed, `identifiers/${row.digest}`),
  }));
  const known = new Set(kept.events.map((row) => row.id));
  const events = other.events
    .filter((row) => !known.has(row.id))
    .map((row) => {
      const opened =
        row.sealed === null ? null : open(other.dataKey, row.sealed, `events/${other.id}/${row.id}`);
      const sealed = opened === null ? null : seal(kept.dataKey, opened, `events/${kept.id}/${row.id}`);
      return { ...row, subjectId: kept.id, sealed };
    });
  const openSteps = movedSteps(kept, other, now);
  const writes: Write[] = [
    ...identifiers.map(({ digest, subjectId, sealed }): Write => ({
      update: "identifiers",
      where: { digest },
      set: { subjectId, sealed },
    })),
    ...events.map(({ id, subjectId, sealed }): Write => ({
      update: "events",
      where: { subjectId: other.id, id },
      set: { subjectId, sealed },
    })),
    // What is left was recorded for both, under one id.
    { remove: "events", where: { subjectId: other.id } },
    ...openSteps.map(({ id, subjectId, sealed, phase, state, attempt, dueAt, leaseUntil }): Write => ({
      update: "steps",
      where: { id },
      set: { subjectId, sealed, phase, state, attempt, dueAt, leaseUntil },
    })),
    ...other.preferences
      .filter((row) => row.endedAt !== null && row.requestId === null)
      .flatMap(({ id, sealed }): readonly Write[] =>
        sealed === null
          ? []
          : [{ update: "steps", where: { id }, set: { sealed: reseal(sealed, `steps/${id}`) } }],
      ),
    // Those that ended too: one that failed may be tried again.
    { update: "steps", where: { subjectId: other.id }, set: { subjectId: kept.id } },
    { update: "references", where: { subjectId: other.id }, set: { subjectId: kept.id } },
    { update: "invitations", where: { subjectId: other.id }, set: { subjectId: kept.id } },
    { update: "requests", where: { subjectId: other.id }, set: { subjectId: kept.id } },
    { update: "holds", where: { subjectId: other.id }, set: { subjectId: kept.id } },
    { remove: "subjects", where: { id: other.id } },
    { remove: "dataKeys", where: { owner: other.id } },
  ];
  const record: SubjectRecord = {
    ...kept,
    identifiers: [...kept.identifiers, ...identifiers],
    events: [...kept.events, ...events].toSorted((a, b) => (a.recordedAt < b.recordedAt ? -1 : 1)),
    openSteps: [...kept.openSteps, ...openSteps],
    preferences: [...kept.preferences, ...other.preferences].toSorted((a, b) => a.seq - b.seq),
    exclusions: [...kept.exclusions, ...other.exclusions],
    silences: [...kept.silences, ...other.silences],
    permits: [...kept.permits, ...other.permits],
  };
  return { record, writes };
}

/** The open steps of `other` as they are with `kept`: behind its steps, one at a processor at a time. */
function movedSteps(kept: SubjectRecord, other: SubjectRecord, now: string): readonly Row<"steps">[] {
  const moved = other.openSteps.map((row): Row<"steps"> => {
    const isRunning = row.state === "running";
    return {
      ...row,
      subjectId: kept.id,
      state: "waiting",
      dueAt: isRunning ? row.leaseUntil : row.dueAt,
      leaseUntil: null,
      attempt: isRunning ? row.attempt + 1 : row.attempt,
      ...(row.requestId === null && row.sealed !== null ? { sealed: null, phase: "resolve" } : {}),
    };
  });
  const released = new Set(stepsToRelease([...kept.openSteps, ...moved]));
  return moved.map((row) =>
    released.has(row.id) ? { ...row, state: "due", dueAt: row.dueAt ?? now } : { ...row, dueAt: null },
  );
}
