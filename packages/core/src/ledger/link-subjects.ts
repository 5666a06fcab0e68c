import type { Write } from "../contract/storage.ts";
import { open, seal } from "../keys/sealed.ts";
import type { SubjectRecord } from "./subject-record.ts";

/**
 * Makes one subject of two that were shown to be one person: what belongs to `other` moves to `kept` and is
 * sealed again under its key. Open steps of `other` start over with resolving, because what they found lies
 * under a key that goes.
 */
export function linkSubjects(
  kept: SubjectRecord,
  other: SubjectRecord,
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
  const openSteps = other.openSteps.map((row) => ({
    ...row,
    subjectId: kept.id,
    ...(row.requestId === null && row.sealed !== null ? { sealed: null, phase: "resolve" } : {}),
  }));
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
    ...openSteps.map(({ id, subjectId, sealed, phase }): Write => ({
      update: "steps",
      where: { id },
      set: { subjectId, sealed, phase },
    })),
    { update: "references", where: { subjectId: other.id }, set: { subjectId: kept.id } },
    { update: "requests", where: { subjectId: other.id }, set: { subjectId: kept.id } },
    { remove: "subjects", where: { id: other.id } },
    { remove: "dataKeys", where: { owner: other.id } },
  ];
  const record: SubjectRecord = {
    ...kept,
    identifiers: [...kept.identifiers, ...identifiers],
    events: [...kept.events, ...events].toSorted((a, b) => (a.recordedAt < b.recordedAt ? -1 : 1)),
    openSteps: [...kept.openSteps, ...openSteps],
    permits: [...kept.permits, ...other.permits],
  };
  return { record, writes };
}
