import type { HeedContext } from "../context.ts";
import type { Decision } from "../contract/storage.ts";
import { ConflictError } from "../errors/conflict-error.ts";

const batchSize = 500;

/**
 * Ends the keeping of entries: what they say goes, with the salt, so that it cannot be found out by trying.
 * Their commitments stay, so the log is still whole and every other receipt still verifies.
 *
 * @param before RFC 3339: entries of before this instant
 * @returns how many were pruned now
 * @throws ConflictError `not-sealed` when one of them is not in the log yet; nothing is pruned then
 */
export async function pruneEvidence(context: HeedContext, before: string): Promise<{ pruned: number }> {
  const { namespace, storage, clock } = context;
  const at = { atMost: new Date(Date.parse(before) - 1).toISOString() };
  let pruned = 0;
  for (;;) {
    const count = await storage.transact({
      lock: [`evidence:${namespace}`],
      clock,
      read: {
        unsealed: { from: "evidence", where: { namespace, sealedAs: { isNull: true }, at }, limit: 1 },
        old: { from: "evidence", where: { namespace, entry: { isNull: false }, at }, limit: batchSize },
      },
      decide: ({ unsealed, old }): Decision<number> => {
        if (unsealed.length > 0) {
          throw new ConflictError(
            "Some evidence from before then is not sealed yet. Call evidence.seal() first.",
            { code: "not-sealed" },
          );
        }
        const set = { entry: null, salt: null, requestId: null };
        return {
          writes: [{ update: "evidence", where: { id: old.map(({ id }) => id) }, set }],
          answer: old.length,
        };
      },
    });
    pruned += count;
    if (count < batchSize) return { pruned };
  }
}
