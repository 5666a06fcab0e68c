import type { HeedContext } from "../context.ts";
import type { Write } from "../contract/storage.ts";
import { ConflictError } from "../errors/conflict-error.ts";
import { linkSubjects } from "./link-subjects.ts";
import { newSubject, withIdentifiers, type Named, type SubjectRecord } from "./subject-record.ts";

/**
 * The one subject that a call is about, made or extended as named. Two people become one only when the
 * caller has shown that they are.
 *
 * @throws ConflictError `two-subjects`
 */
export function findSubject(
  context: HeedContext,
  records: readonly SubjectRecord[],
  named: Named,
  verified: boolean,
  now: string,
): { record: SubjectRecord; writes: readonly Write[] } {
  const writes: Write[] = [];
  const [first, ...others] = records;
  if (others.length > 0 && !verified) {
    throw new ConflictError(
      "These identifiers belong to different people. Name one person, or say how it was shown that they are one.",
      {
        code: "two-subjects",
      },
    );
  }
  let record: SubjectRecord;
  if (first === undefined) {
    const created = newSubject(context, now);
    writes.push(...created.writes);
    record = created.record;
  } else record = first;
  for (const other of others) {
    if (record.frozenBy !== null || other.frozenBy !== null) {
      throw new ConflictError(
        "An erasure of one of these people is under way. Open this again when it has ended.",
        { code: "frozen" },
      );
    }
    const linked = linkSubjects(record, other);
    writes.push(...linked.writes);
    record = linked.record;
  }
  const extended = withIdentifiers(record, named, verified, now);
  return { record: extended.record, writes: [...writes, ...extended.writes] };
}
