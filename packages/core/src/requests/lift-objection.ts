import type { HeedContext } from "../context.ts";
import type { Decision } from "../contract/storage.ts";
import { ConflictError } from "../errors/conflict-error.ts";
import { InvalidInputError } from "../errors/invalid-input-error.ts";
import { restoreNeeded } from "../errors/restore-needed.ts";
import { evidenceDigests, evidenceWrite } from "../evidence/evidence.ts";
import { stepWrites } from "../ledger/choice-event.ts";
import { findSubject } from "../ledger/find-subject.ts";
import { identifiersOf } from "../ledger/identifiers.ts";
import { isExcludedFrom, isKeptOutAsAnother, letSubjectIn, withSilences } from "../ledger/kept-out.ts";
import { suppressionDigests, suppressionLookups, type Named } from "../ledger/name-subject.ts";
import { keepsOut, letIn } from "../ledger/suppression.ts";
import { transactOnSubjects } from "../ledger/under-lock.ts";
import type { Identity } from "./lifecycle.ts";
import { standingSteps } from "./tell-standing.ts";

/** What the end of an objection changed. */
export interface Lifted {
  /** False when nothing kept the person out of the recipient. */
  readonly changed: boolean;
  /** Ids of the steps that tell the recipient what the person has chosen. */
  readonly steps: readonly string[];
}

/**
 * Somebody who was kept out of a recipient wants to be there again. What they objected to and what was done for it stays
 * as it was recorded; from now on it keeps nobody out.
 *
 * @throws ConflictError `request-open` while an objection is carried out, `frozen`, `unverified-address`;
 *   InvalidInputError `no-address`; HeedError `restore-needed` while a restored database lacks what its journal has
 */
export async function liftObjection(
  context: HeedContext,
  named: Named,
  recipient: string,
  identity: Exclude<Identity, "unverified">,
): Promise<Lifted> {
  if ((await context.journaled?.isHeld()) === true) throw restoreNeeded();
  const lookups = suppressionLookups(context, named.identifiers);
  const digests = named.digests.flat();
  return transactOnSubjects(context, {
    select: { digests },
    needsEveryKey: true,
    read: {
      silences: { from: "suppressions", where: { digest: lookups } },
      objections: {
        from: "requests",
        where: {
          subjectId: { via: "identifiers", column: "subjectId", where: { digest: digests } },
          right: "objection",
          recipient,
          state: ["executing", "awaiting_manual"],
        },
      },
    },
    decide: (records, { silences, objections }, now): Decision<Lifted> => {
      if (objections.length > 0)
        throw new ConflictError(
          "An objection of this person is being carried out. Wait until it has ended, or take it back in time with `requests.withdraw`.",
          { code: "request-open" },
        );
      const evidence = (subject: Parameters<typeof evidenceDigests>[1]) =>
        evidenceWrite(context, now, {
          kind: "objection.lifted",
          processor: recipient,
          identity,
          subject: evidenceDigests(context, subject),
        });
      if (records.length === 0) {
        if (!silences.some((row) => keepsOut(row, recipient)))
          return { writes: [], answer: { changed: false, steps: [] } };
        const active = suppressionDigests(context, named.identifiers);
        const writes = [...letIn(lookups, active, recipient, now), evidence(named.identifiers)];
        return { writes, answer: { changed: true, steps: [] } };
      }
      const found = findSubject(context, records, named, true, now);
      // What is let in is let in under every key.
      const { record } = withSilences(context, found.record, named, silences);
      if (!isExcludedFrom(record, recipient)) return { writes: [], answer: { changed: false, steps: [] } };
      if (record.frozenBy !== null)
        throw new ConflictError("An erasure of this person is under way. Try again when it has ended.", {
          code: "frozen",
        });
      const identifiers = identifiersOf(record.dataKey, record.identifiers);
      if (suppressionDigests(context, identifiers).length === 0)
        throw new InvalidInputError(
          "No address of this person is known. Name one of theirs beside what you named.",
          { code: "no-address", issues: [{ path: "subject", message: "no address" }] },
        );
      if (isKeptOutAsAnother(record, recipient))
        throw new ConflictError(
          "An address of this person was kept out before it was theirs, and nobody has shown that it is. Name it too if it is theirs.",
          { code: "unverified-address" },
        );
      const letBackIn = letSubjectIn(context, record, recipient, now);
      const steps = standingSteps(context, letBackIn.record, recipient, now);
      return {
        writes: [...found.writes, ...letBackIn.writes, ...stepWrites(steps), evidence(identifiers)],
        answer: { changed: true, steps: steps.map(({ id }) => id) },
      };
    },
  });
}
