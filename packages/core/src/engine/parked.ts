import type { HeedContext } from "../context.ts";
import type { ParsedIdentifier } from "../contract/parse-identifier.ts";
import type { Decision, Write } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { open } from "../keys/sealed.ts";
import type { Choice } from "../ledger/choice-event.ts";
import { indexDigests } from "../ledger/name-subject.ts";
import { recordChoice } from "../ledger/record-choice.ts";
import { dataKeyOf } from "../ledger/subject-record.ts";

/**
 * Applies the opt-ins that arrived while an erasure ran, now that it has ended: the person came back, as
 * somebody new. Idempotent by the event's id, so a crash in between repeats it harmlessly. One that cannot be
 * applied is told of, stays, and holds no other up.
 *
 * @param onFailure told why one cannot be applied
 * @returns how many were applied
 */
export async function applyParked(
  context: HeedContext,
  onFailure: (error: unknown) => void,
): Promise<number> {
  const requestId = await endedWithParked(context);
  if (requestId.length === 0) return 0;
  const { parked, dataKeys } = await context.storage.transact({
    lock: [],
    clock: context.clock,
    read: {
      parked: { from: "parked", where: { requestId }, orderBy: ["parkedAt", "id"] },
      dataKeys: { from: "dataKeys", where: { owner: { via: "parked", column: "id", where: { requestId } } } },
    },
    decide: (rows): Decision<ParkedRows> => ({ writes: [], answer: rows }),
  });
  let applied = 0;
  for (const row of parked) {
    try {
      if (await applyOne(context, row, dataKeys)) applied += 1;
    } catch (error) {
      onFailure(error);
    }
  }
  return applied;
}

/**
 * Requests that have ended and for which something is parked. Found from what is parked, which is little: those that
 * have ended are every one there ever was.
 */
function endedWithParked({ namespace, storage, clock }: HeedContext): Promise<readonly string[]> {
  return storage.transact({
    lock: [],
    clock,
    read: {
      requests: { from: "requests", where: { id: { via: "parked", column: "requestId", where: {} } } },
    },
    decide: ({ requests }): Decision<readonly string[]> => ({
      writes: [],
      answer: requests
        .filter((request) => request.namespace === namespace && request.closedAt !== null)
        .map(({ id }) => id),
    }),
  });
}

interface ParkedRows {
  readonly parked: readonly Row<"parked">[];
  readonly dataKeys: readonly Row<"dataKeys">[];
}

/** @returns false when the next erasure of the person runs already: it waits for that one */
async function applyOne(
  context: HeedContext,
  { id, sealed }: Row<"parked">,
  dataKeys: readonly Row<"dataKeys">[],
): Promise<boolean> {
  const content = open(dataKeyOf(context, dataKeys, id), sealed, `parked/${id}`);
  const { identifiers, choice } = JSON.parse(content) as {
    identifiers: ParsedIdentifier[];
    choice: Choice;
  };
  const digests = identifiers.map((identifier) => indexDigests(context, identifier));
  const { parked: isParkedAgain } = await recordChoice(context, { named: { identifiers, digests } }, choice);
  const subjectId = { via: "identifiers", column: "subjectId", where: { digest: digests.flat() } } as const;
  await context.storage.transact({
    lock: [],
    clock: context.clock,
    read: { frozen: { from: "subjects", where: { id: subjectId, frozenBy: { isNull: false } } } },
    decide: ({ frozen }): Decision<void> => {
      const requestId = frozen[0]?.frozenBy;
      const done: readonly Write[] = [
        { remove: "parked", where: { id } },
        { remove: "dataKeys", where: { owner: id } },
      ];
      const moved: readonly Write[] =
        requestId == null ? [] : [{ update: "parked", where: { id }, set: { requestId } }];
      return { writes: isParkedAgain ? moved : done, answer: undefined };
    },
  });
  return !isParkedAgain;
}
