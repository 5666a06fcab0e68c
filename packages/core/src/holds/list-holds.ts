import type { HeedContext } from "../context.ts";
import type { Row } from "../contract/tables.ts";
import type { Named } from "../ledger/name-subject.ts";
import { holdsOverEveryone } from "./hold.ts";

/** An active legal hold. It does not say whose it is: ask for those of a subject. */
export interface HoldView<Processor extends string = string> {
  readonly id: string;
  /** Whether it stands over everyone, and not over one subject. */
  readonly everyone: boolean;
  /** Where; absent: everywhere. */
  readonly processor?: Processor;
  /** Slugs. */
  readonly reason: string;
  readonly orderedBy: string;
  /** RFC 3339. */
  readonly placedAt: string;
  /** RFC 3339: when somebody must ask whether it is still needed. It stands until it is released all the same. */
  readonly reviewAt: string;
}

/** The active holds, next review first; `named`: those that stand over this subject, everyone's included. */
export async function listHolds(
  { storage, clock, namespace }: HeedContext,
  named: Named | undefined,
): Promise<readonly HoldView[]> {
  const subjectId =
    named === undefined
      ? { isNull: false }
      : ({ via: "identifiers", column: "subjectId", where: { digest: named.digests.flat() } } as const);
  const subjects = { from: "holds", where: { namespace, releasedAt: { isNull: true }, subjectId } } as const;
  return storage.transact({
    lock: [],
    clock,
    read: { subjects, everyone: holdsOverEveryone(namespace) },
    decide: ({ subjects, everyone }) => ({
      writes: [],
      answer: [...subjects, ...everyone]
        .toSorted((one, other) => (one.reviewAt < other.reviewAt ? -1 : 1))
        .map(viewOf),
    }),
  });
}

function viewOf({ id, subjectId, processor, reason, orderedBy, placedAt, reviewAt }: Row<"holds">): HoldView {
  return {
    id,
    everyone: subjectId === null,
    ...(processor === null ? {} : { processor }),
    reason,
    orderedBy,
    placedAt,
    reviewAt,
  };
}
