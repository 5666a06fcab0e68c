import type { HeedContext } from "../context.ts";
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
    read: { silences: { from: "suppressions", where: { digest: addresses } } },
    decide: (records, { silences }, now) => {
      const found = findSubject(context, records, named, verified, now);
      const wasErased = erasedAt(silences, records[0]) !== undefined;
      const silenced = withSilences(context, found.record, named, silences);
      const writes = [...found.writes, ...silenced.writes, ...(wasErased ? comeBack(addresses, now) : [])];
      return { writes, answer: { changed: writes.length > 0 } };
    },
  });
}
