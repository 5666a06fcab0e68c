import type { HeedContext } from "../context.ts";
import { InvalidInputError } from "../errors/invalid-input-error.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { consistencyRanges } from "./merkle-proof.ts";
import { newestCheckpoint } from "./seal-evidence.ts";
import { treeHashes } from "./tree-hashes.ts";
import type { ConsistencyProof } from "./verify-evidence.ts";

/** The proof that the log of the newest checkpoint begins with the log of an older one. */
export async function consistencyWith(context: HeedContext, older: Checkpoint): Promise<ConsistencyProof> {
  const newer = (await newestCheckpoint(context))?.checkpoint;
  if (newer === undefined || older.size > newer.size) {
    throw new InvalidInputError(
      "The log is shorter than that checkpoint says: this is another log, or its tail was cut off.",
      { code: "no-such-checkpoint" },
    );
  }
  const ranges = consistencyRanges(older.size, { from: 0, to: newer.size });
  return { older, newer, proof: [...(await treeHashes(context, ranges))] };
}
