import type { Write } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { ConflictError } from "../errors/conflict-error.ts";
import { forgetStranger } from "../ledger/forget-stranger.ts";
import type { SubjectRecord } from "../ledger/subject-record.ts";
import { isFinal } from "./lifecycle.ts";

/** The request, if it is an inquiry that waits for its answer. @throws ConflictError `not-an-inquiry`, `request-ended` */
export function openInquiry(request: Row<"requests">): Row<"requests"> {
  if (request.right !== "inquiry")
    throw new ConflictError("This request is carried out, and not answered: it is no inquiry.", {
      code: "not-an-inquiry",
    });
  if (isFinal(request.state))
    throw new ConflictError("This inquiry has ended; it cannot be changed any more.", {
      code: "request-ended",
    });
  return request;
}

/** What says that more is known of a subject than what it wrote. */
export function elseKnownReads(subjectId: string) {
  return {
    others: { from: "requests", where: { subjectId } },
    references: { from: "references", where: { subjectId }, limit: 1 },
    holds: { from: "holds", where: { subjectId, releasedAt: { isNull: true } }, limit: 1 },
  } as const;
}

interface ElseKnown {
  readonly others: readonly Row<"requests">[];
  readonly references: readonly Row<"references">[];
  readonly holds: readonly Row<"holds">[];
}

/**
 * Whoever only wrote, and of whom nothing else is known, is forgotten with the end of their last inquiry, or of whatever
 * else they may have asked for and never showed that it was they: what is left of it names nobody.
 */
export function strangerWrites(
  request: Row<"requests">,
  record: SubjectRecord | undefined,
  { others, references, holds }: ElseKnown,
): readonly Write[] {
  if (record === undefined) return [];
  const isStranger =
    others.some(({ madeSubject }) => madeSubject === 1) &&
    others.every(({ id, closedAt }) => id === request.id || closedAt !== null) &&
    record.identifiers.every(({ verified }) => verified === 0) &&
    [record.events, record.openSteps, record.preferences, record.exclusions, references, holds].every(
      (known) => known.length === 0,
    );
  if (!isStranger) return [];
  return [
    ...forgetStranger(record),
    { update: "requests", where: { subjectId: record.id }, set: { named: "[]" } },
  ];
}
