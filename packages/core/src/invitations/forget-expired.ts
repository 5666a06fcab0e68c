import type { HeedContext } from "../context.ts";
import type { Decision } from "../contract/storage.ts";
import { holdsOverEveryone, isHeldAt } from "../holds/hold.ts";
import { forgetStranger } from "../ledger/forget-stranger.ts";
import { transactOnSubjects } from "../ledger/under-lock.ts";
import type { SubjectRecord } from "../ledger/subject-record.ts";

/** So many at once, so that others wait for it for a moment only. */
const mostAtOnce = 100;

/**
 * Removes invitations that nobody answered in time, and forgets whoever is known by nothing but having been asked:
 * anybody may have typed their address.
 *
 * @returns how many invitations are gone
 */
export async function forgetExpired(context: HeedContext): Promise<number> {
  const { namespace, clock, storage } = context;
  const expired = await storage.transact({
    lock: [],
    clock,
    read: {
      invitations: {
        from: "invitations",
        where: {
          namespace,
          answeredAt: { isNull: true },
          expiresAt: { atMost: clock.now().toISOString() },
        },
        orderBy: ["expiresAt"],
        limit: mostAtOnce,
      },
    },
    decide: ({ invitations }): Decision<readonly string[]> => ({
      writes: [],
      answer: [...new Set(invitations.map((row) => row.subjectId))],
    }),
  });
  let [gone, isAnyoneForgotten] = [0, false];
  for (const subjectId of expired) {
    const { removed, isForgotten } = await forgetOne(context, subjectId);
    gone += removed;
    isAnyoneForgotten ||= isForgotten;
  }
  if (isAnyoneForgotten) await storage.scrub();
  return gone;
}

function forgetOne(
  context: HeedContext,
  subjectId: string,
): Promise<{ readonly removed: number; readonly isForgotten: boolean }> {
  const one = { where: { subjectId }, limit: 1 } as const;
  return transactOnSubjects(context, {
    select: { subjectId },
    read: {
      invitations: { from: "invitations", where: { subjectId } },
      // Each of these makes somebody known for more than having been asked.
      anyStep: { from: "steps", ...one },
      anyRequest: { from: "requests", ...one },
      anyLink: { from: "references", ...one },
      anyHold: { from: "holds", ...one },
      generalHolds: holdsOverEveryone(context.namespace),
    },
    decide: ([record], { invitations, anyStep, anyRequest, anyLink, anyHold, generalHolds }, now) => {
      // It is looked at again when the hold is released.
      if (isHeldAt(generalHolds, { processor: "heed", operation: "erase" }))
        return { writes: [], answer: { removed: 0, isForgotten: false } };
      const over = invitations.filter((row) => row.answeredAt === null && row.expiresAt <= now);
      const isKnown =
        invitations.length > over.length ||
        [anyStep, anyRequest, anyLink, anyHold].some((rows) => rows.length > 0);
      const isForgotten = record !== undefined && !isKnown && wasOnlyAsked(record, now);
      return {
        writes: [
          { remove: "invitations", where: { id: over.map((row) => row.id) } },
          ...(isForgotten ? forgetStranger(record) : []),
        ],
        answer: { removed: over.length, isForgotten },
      };
    },
  });
}

/** Whether being asked made the person known, and nothing was said or shown of them since. */
function wasOnlyAsked({ createdAt, frozenBy, identifiers, events }: SubjectRecord, now: string): boolean {
  return (
    frozenBy === null &&
    events.every(({ kind, until }) => kind === "requested" && until !== null && until <= now) &&
    events.some(({ recordedAt }) => recordedAt === createdAt) &&
    identifiers.every(({ verified, addedAt }) => verified === 0 && addedAt === createdAt)
  );
}
