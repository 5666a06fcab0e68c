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
  const events = other.events.map((row) => ({
    ...row,
    subjectId: kept.id,
    sealed: row.sealed === null ? null : reseal(row.sealed, `events/${row.id}`),
  }));
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
      where: { id },
      set: { subjectId, sealed },
    })),
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
