import type { HeedContext } from "../context.ts";
import type { Decision, WhereOf } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { settleLocks, settleReads, tellSettled } from "../engine/claim.ts";
import { settleWrites, type Settled } from "../engine/settle.ts";
import { heldBack } from "../engine/verdict.ts";
import { evidenceDigests, evidenceWrite } from "../evidence/evidence.ts";
import { findSubject } from "../ledger/find-subject.ts";
import { identifiersOf, withIdentifiers } from "../ledger/identifiers.ts";
import type { Named } from "../ledger/name-subject.ts";
import { transactOnSubjects } from "../ledger/under-lock.ts";
import { destructiveOperations } from "../requests/lifecycle.ts";
import { holdsOfSubjects, holdsOverEveryone, isHeldBy } from "./hold.ts";

/** What a hold is to be, read and checked. */
export interface HoldAsk {
  /** Undefined: everyone. */
  readonly named: Named | undefined;
  /** Null: all of them. */
  readonly processor: string | null;
  readonly reason: string;
  readonly orderedBy: string;
  /** RFC 3339. */
  readonly reviewAt: string;
}

/** What `holds.place` answers. */
export interface PlacedHold {
  readonly id: string;
  /** False when a hold equal in everything stood already. */
  readonly changed: boolean;
  /**
   * Ids of steps in its scope whose destroying had begun before, and whose answer is not known: it may have happened
   * or still happen. Nothing else in its scope is destroyed from now on.
   */
  readonly inFlight: readonly string[];
}

/**
 * Places a hold. It stands from its commit on, since what destroys looks for holds under the subject's lock before
 * it begins; what a worker has leased and not begun is then taken out of its hands, and what had begun is named.
 * Repeating it after a crash does what is lacking.
 *
 * @throws ConflictError `two-subjects`
 */
export async function placeHold(context: HeedContext, ask: HoldAsk): Promise<PlacedHold> {
  const { hold, changed } =
    ask.named === undefined ? await overEveryone(context, ask) : await overSubject(context, ask, ask.named);
  if (changed) context.hub.emit("hold.placed", { holdId: hold.id });
  return { id: hold.id, changed, inFlight: await takeBack(context, hold) };
}

interface Standing {
  readonly hold: Row<"holds">;
  readonly changed: boolean;
}

function overEveryone(context: HeedContext, ask: HoldAsk): Promise<Standing> {
  const { storage, clock, namespace } = context;
  return storage.transact({
    lock: [`holds:${namespace}`],
    clock,
    read: { holds: holdsOverEveryone(namespace) },
    decide: ({ holds }, now) => place(context, ask, { subjectId: null, digests: [] }, holds, now),
  });
}

function overSubject(context: HeedContext, ask: HoldAsk, named: Named): Promise<Standing> {
  const digests = named.digests.flat();
  const subjectId = { via: "identifiers", column: "subjectId", where: { digest: digests } } as const;
  return transactOnSubjects(context, {
    select: { digests },
    needsEveryKey: true,
    read: { holds: holdsOfSubjects(subjectId) },
    decide: (records, { holds }, now): Decision<Standing> => {
      const [known, ...others] = records;
      // An erasure that runs is no reason to leave out what else is known of the person: that is what is held.
      const { record, writes } =
        known === undefined || others.length > 0
          ? findSubject(context, records, named, false, now)
          : withIdentifiers(context, known, named, false, now);
      const who = evidenceDigests(context, identifiersOf(record.dataKey, record.identifiers));
      const placed = place(context, ask, { subjectId: record.id, digests: who }, holds, now);
      return { writes: [...writes, ...placed.writes], answer: placed.answer };
    },
  });
}

function place(
  context: HeedContext,
  { processor, reason, orderedBy, reviewAt }: HoldAsk,
  { subjectId, digests }: { readonly subjectId: string | null; readonly digests: readonly string[] },
  standing: readonly Row<"holds">[],
  now: string,
): Decision<Standing> {
  const same = standing.find(
    (hold) =>
      hold.processor === processor &&
      hold.reason === reason &&
      hold.orderedBy === orderedBy &&
      hold.reviewAt === reviewAt,
  );
  if (same !== undefined) return { writes: [], answer: { hold: same, changed: false } };
  const hold: Row<"holds"> = {
    id: context.newId(),
    namespace: context.namespace,
    subjectId,
    processor,
    reason,
    orderedBy,
    placedAt: now,
    reviewAt,
    releasedAt: null,
  };
  const entry = evidenceWrite(context, now, {
    kind: "hold.placed",
    holdId: hold.id,
    everyone: subjectId === null,
    ...(processor === null ? {} : { processor }),
    reason,
    orderedBy,
    reviewAt,
    subject: [...digests],
  });
  return { writes: [{ insert: "holds", row: hold }, entry], answer: { hold, changed: true } };
}

const mostAtOnce = 50;

/** @returns the steps in the hold's scope whose destroying had begun */
async function takeBack(context: HeedContext, hold: Row<"holds">): Promise<readonly string[]> {
  const { namespace, subjectId } = hold;
  const who = subjectId === null ? { namespace } : { subjectId };
  const scope = { operation: destructiveOperations, ...who } as const;
  const leased = await stepsOf(context, hold, { ...scope, state: "running", phase: "run", attempted: 0 });
  for (let at = 0; at < leased.length; at += mostAtOnce)
    await putOff(context, hold, leased.slice(at, at + mostAtOnce));
  // Only now: whatever was about to begin when the hold was placed has begun, or has been refused.
  const begun = await stepsOf(context, hold, { ...scope, state: ["due", "running"], attempted: 1 });
  return begun.map(({ id }) => id);
}

async function stepsOf(
  { storage, clock }: HeedContext,
  hold: Row<"holds">,
  where: WhereOf<"steps">,
): Promise<readonly Row<"steps">[]> {
  return storage.transact({
    lock: [],
    clock,
    read: { steps: { from: "steps", where } },
    decide: ({ steps }) => ({ writes: [], answer: steps.filter((step) => isHeldBy([hold], step)) }),
  });
}

/** Takes leased steps back from whoever has them: under the locks, in which a run begins or finds the hold. */
async function putOff(
  context: HeedContext,
  hold: Row<"holds">,
  leased: readonly Row<"steps">[],
): Promise<void> {
  const ids = new Set(leased.map(({ id }) => id));
  const settled = await context.storage.transact({
    lock: settleLocks(leased),
    clock: context.clock,
    read: settleReads(leased),
    decide: (rows, now): Decision<Settled> => {
      const settlements = rows.openSteps
        .filter(
          (step) =>
            ids.has(step.id) &&
            step.state === "running" &&
            step.phase === "run" &&
            step.attempted === 0 &&
            isHeldBy([hold], step),
        )
        .map((step) => ({ step, verdict: heldBack }));
      const settled = settleWrites(context, rows, settlements, now);
      return { writes: settled.writes, answer: settled };
    },
  });
  tellSettled(context, settled);
}
