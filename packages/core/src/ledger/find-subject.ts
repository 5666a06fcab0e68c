import type { HeedContext } from "../context.ts";
import type { Write } from "../contract/storage.ts";
import { ConflictError } from "../errors/conflict-error.ts";
import { withIdentifiers } from "./identifiers.ts";
import { linkSubjects } from "./link-subjects.ts";
import type { Named } from "./name-subject.ts";
import { newSubject, type SubjectRecord } from "./subject-record.ts";

/**
 * The one subject that a call is about, made or extended as named. Two people become one only when the
 * caller has shown that they are.
 *
 * @throws ConflictError `two-subjects`, or `frozen` where that would add to somebody who is being erased
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
  if (
    records.some((each) => each.frozenBy !== null) &&
    (others.length > 0 || adds(record, named, verified))
  ) {
    throw new ConflictError(
      "An erasure of this person is under way, and covers only what was named for it. Try again when it has ended.",
      { code: "frozen" },
    );
  }
  for (const other of others) {
    const linked = linkSubjects(record, other, now);
    writes.push(...linked.writes);
    record = linked.record;
  }
  const extended = withIdentifiers(context, record, named, verified, now);
  return { record: extended.record, writes: [...writes, ...extended.writes] };
}

/** Whether an identifier is new to the subject, or newly shown to be theirs. */
function adds(record: SubjectRecord, named: Named, verified: boolean): boolean {
  return named.digests.some((digests) => {
    const known = record.identifiers.find((row) => digests.includes(row.digest));
    return known === undefined || (verified && known.verified === 0);
  });
}
