import type { HeedContext } from "../context.ts";
import type { Decision } from "../contract/storage.ts";
import { ConflictError } from "../errors/conflict-error.ts";
import { evidenceWrite } from "./evidence.ts";
import { sealEvidence } from "./seal-evidence.ts";

const portionSize = 500;

/**
 * Ends the keeping of entries: what they say goes, with the salt, so that it cannot be found out by trying.
 * Their commitments stay, so the log is still whole and every other receipt still verifies. That it was done is
 * an entry itself, sealed before anything goes: an entry that is empty without one is an alarm.
 *
 * @param before RFC 3339: entries of before this instant
 * @returns how many were pruned now
 * @throws ConflictError `not-sealed` when one of them is not in the log yet; nothing is pruned then
 */
export async function pruneEvidence(context: HeedContext, before: string): Promise<{ pruned: number }> {
  if (!(await announce(context, before))) return { pruned: 0 };
  await sealEvidence(context);
  let pruned = 0;
  let after: string | undefined = "";
  while (after !== undefined) {
    const portion: Portion = await prunePortion(context, before, after);
    pruned += portion.pruned;
    ({ after } = portion);
  }
  return { pruned };
}

/** Writes down what is to be pruned. False when nothing is. */
function announce(context: HeedContext, before: string): Promise<boolean> {
  const { namespace, storage, clock } = context;
  const at = { atMost: lastOf(before) };
  return storage.transact({
    lock: [`evidence:${namespace}`],
    clock,
    read: {
      old: {
        from: "evidence",
        where: { namespace, entry: { isNull: false }, sealedAs: { isNull: false }, at },
        limit: 1,
      },
      unsealed: { from: "evidence", where: { namespace, sealedAs: { isNull: true }, at }, limit: 1 },
    },
    decide: ({ old, unsealed }, now): Decision<boolean> => {
      if (unsealed.length > 0) {
        throw new ConflictError(
          "Some evidence from before then is not sealed yet. Call evidence.seal() first.",
          { code: "not-sealed" },
        );
      }
      if (old.length === 0) return { writes: [], answer: false };
      return { writes: [evidenceWrite(context, now, { kind: "evidence.pruned", before })], answer: true };
    },
  });
}

interface Portion {
  readonly pruned: number;
  /** Where the next portion begins; undefined after the last. */
  readonly after?: string;
}

/** Entries of after an instant, oldest first: what was pruned before is passed over once, not every time. */
function prunePortion(context: HeedContext, before: string, after: string): Promise<Portion> {
  const { namespace, storage, clock } = context;
  return storage.transact({
    lock: [`evidence:${namespace}`],
    clock,
    read: {
      kept: {
        from: "evidence",
        where: {
          namespace,
          entry: { isNull: false },
          sealedAs: { isNull: false },
          at: { above: after },
        },
        orderBy: ["at"],
        limit: portionSize,
      },
    },
    decide: ({ kept }): Decision<Portion> => {
      const old = kept.filter(({ at }) => at < before);
      const last = old.at(-1);
      const isMore = last !== undefined && old.length === portionSize;
      return {
        writes: [
          {
            update: "evidence",
            where: { id: old.map(({ id }) => id) },
            set: { entry: null, salt: null, requestId: null },
          },
        ],
        // Others of the last instant may have found no room.
        answer: { pruned: old.length, ...(isMore ? { after: lastOf(last.at) } : {}) },
      };
    },
  });
}

/** The last instant before this one. */
const lastOf = (before: string) => new Date(Date.parse(before) - 1).toISOString();
