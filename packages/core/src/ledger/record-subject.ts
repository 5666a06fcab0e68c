import type { HeedContext } from "../context.ts";
import type { Write } from "../contract/storage.ts";
import { findSubject } from "./find-subject.ts";
import { withSilences } from "./kept-out.ts";
import { suppressionLookups, type Named } from "./name-subject.ts";
import { comeBack, erasedAt } from "./suppression.ts";
import { transactOnSubjects } from "./under-lock.ts";

/** Records that the application has to do with somebody: whoever was erased comes back with it. */
export function recordSubject(
  context: HeedContext,
  named: Named,
  verified: boolean,
): Promise<{ changed: boolean }> {
  const addresses = suppressionLookups(context, named.identifiers);
  return transactOnSubjects(context, {
    select: { digests: named.digests.flat() },
    needsEveryKey: true,
    read: {
      silences: { from: "suppressions", where: { digest: addresses } },
      inquiries: {
        from: "requests",
        where: {
          subjectId: { via: "identifiers", column: "subjectId", where: { digest: named.digests.flat() } },
          madeSubject: 1,
        },
      },
    },
    decide: (records, { silences, inquiries }, now) => {
      const found = findSubject(context, records, named, verified, now);
      const wasErased = erasedAt(silences, records[0]) !== undefined;
      const silenced = withSilences(context, found.record, named, silences);
      const writes = [...found.writes, ...silenced.writes, ...(wasErased ? comeBack(addresses, now) : [])];
      // Known by more than what they wrote from now on.
      const known = inquiries.map(({ id }): Write => ({
        update: "requests",
        where: { id },
        set: { madeSubject: null },
      }));
      return { writes: [...writes, ...known], answer: { changed: writes.length + known.length > 0 } };
    },
  });
}
