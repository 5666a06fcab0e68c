import type { HeedContext } from "../context.ts";
import type { Decision, Write } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import {
  checkpointHash,
  checkpointSchema,
  checkSignature,
  signedText,
  type Checkpoint,
  type CheckpointBody,
} from "./checkpoint.ts";
import { commitmentTo, leafOf, newSalts } from "./commitment.ts";
import { fault } from "./evidence-fault.ts";
import { GrowingTree, peakCount } from "./merkle-tree.ts";

/** How many entries one transaction seals. */
const batchSize = 500;

/** What sealing came to. */
export interface SealedEvidence {
  /** How many entries were sealed now. */
  readonly sealed: number;
  /** The newest checkpoint; undefined where there is no evidence at all. */
  readonly checkpoint?: Checkpoint;
}

/**
 * Takes every entry that is not yet in the log, oldest first, into it, and signs a checkpoint for each batch.
 * An entry whose transaction committed late is taken by the next batch: entries are found by not being sealed,
 * never by time. One lock per log, and a batch is one transaction: it is sealed or it is not, and two sealers
 * at once continue each other's log.
 *
 * @throws TamperedEvidenceError when the newest checkpoint is not what was signed: nothing is built on it
 */
export async function sealEvidence(context: HeedContext): Promise<SealedEvidence> {
  let sealed = 0;
  for (;;) {
    const batch = await sealBatch(context);
    sealed += batch.sealed;
    if (batch.sealed < batchSize)
      return { sealed, ...(batch.checkpoint === undefined ? {} : { checkpoint: batch.checkpoint }) };
  }
}

function sealBatch(context: HeedContext): Promise<SealedEvidence> {
  const { namespace, storage, clock } = context;
  return storage.transact({
    lock: [`evidence:${namespace}`],
    clock,
    read: {
      newest: { from: "checkpoints", where: { namespace, isNewest: 1 } },
      unsealed: {
        from: "evidence",
        where: { namespace, sealedAs: { isNull: true } },
        orderBy: ["at", "id"],
        limit: batchSize,
      },
    },
    decide: ({ newest: [newest], unsealed }, now): Decision<SealedEvidence> => {
      const before = newest === undefined ? undefined : checkpointFrom(newest);
      if (unsealed.length === 0)
        return { writes: [], answer: { sealed: 0, ...(before === undefined ? {} : { checkpoint: before }) } };
      const tree = newest === undefined ? new GrowingTree() : continued(context, newest);
      const saltOf = newSalts(unsealed.length);
      const writes = unsealed.flatMap((row, index) => sealEntry(namespace, row, saltOf(index), tree));
      const checkpoint = signed(context, {
        format: "heed-checkpoint/v1",
        namespace,
        seq: (before?.seq ?? 0) + 1,
        size: tree.size,
        root: tree.root,
        // Never before the one it follows, whatever a worker's clock says.
        at: before !== undefined && before.at > now ? before.at : now,
        previous: before === undefined ? null : checkpointHash(before),
        keyId: context.keys.signingKeyId,
      });
      const { format: _, ...columns } = checkpoint;
      return {
        writes: [
          ...writes,
          { update: "checkpoints", where: { namespace, isNewest: 1 }, set: { isNewest: 0 } },
          {
            insert: "checkpoints",
            row: { ...columns, peaks: JSON.stringify(tree.peaks), isNewest: 1, publishedAt: null },
          },
        ],
        answer: { sealed: unsealed.length, checkpoint },
      };
    },
  });
}

/** Takes one entry into the tree: what to write in its row, and the nodes of the tree that it completes. */
function sealEntry(
  namespace: string,
  row: Row<"evidence">,
  salt: string,
  tree: GrowingTree,
): readonly Write[] {
  const commitment = commitmentTo(salt, row.entry ?? "");
  const sealedAs = tree.size;
  const completed = tree.append(leafOf({ id: row.id, at: row.at, commitment }));
  return [
    { update: "evidence", where: { id: row.id }, set: { sealedAs, salt, commitment } },
    ...completed.map((node): Write => ({ insert: "evidenceTree", row: { namespace, ...node } })),
  ];
}

function signed(context: HeedContext, body: CheckpointBody): Checkpoint {
  return { ...body, signature: context.keys.sign(signedText("checkpoint", body)) };
}

/** The tree as the newest checkpoint left it, if that is what was signed. */
function continued(context: HeedContext, newest: Row<"checkpoints">): GrowingTree {
  const publicKeys = context.keys.publicKeys();
  // A key that left the keyring cannot be asked any more; the whole log is checked with the keys of its time.
  if (newest.keyId in publicKeys) checkSignature("checkpoint", checkpointFrom(newest), publicKeys);
  return treeOf(newest);
}

/** The checkpoint in a row. @throws TamperedEvidenceError `unreadable` */
export function checkpointFrom(row: Row<"checkpoints">): Checkpoint {
  const { peaks: _, isNewest: _2, publishedAt: _3, ...columns } = row;
  const parsed = checkpointSchema.safeParse({ format: "heed-checkpoint/v1", ...columns });
  if (parsed.success) return parsed.data;
  throw fault("unreadable", `The checkpoint ${row.seq} has not the form that heed gives one.`);
}

/** The tree from the peaks in a row. @throws TamperedEvidenceError when they do not make the row's root */
export function treeOf({ seq, size, root, peaks }: Row<"checkpoints">): GrowingTree {
  const tree = new GrowingTree(size, peaksFrom(peaks));
  if (tree.peaks.length !== peakCount(size) || tree.root !== root)
    throw fault("altered-checkpoint", `The tree of the checkpoint ${seq} is not the one that was signed.`);
  return tree;
}

function peaksFrom(text: string): readonly string[] {
  try {
    return checkpointSchema.shape.root.array().parse(JSON.parse(text));
  } catch {
    return [];
  }
}

/** The newest checkpoint, and whether it was published. */
export function newestCheckpoint(
  context: HeedContext,
): Promise<{ readonly checkpoint: Checkpoint; readonly isPublished: boolean } | undefined> {
  const { namespace, storage, clock } = context;
  return storage.transact({
    lock: [],
    clock,
    read: { newest: { from: "checkpoints", where: { namespace, isNewest: 1 } } },
    decide: ({ newest: [row] }) => ({
      writes: [],
      answer:
        row === undefined
          ? undefined
          : { checkpoint: checkpointFrom(row), isPublished: row.publishedAt !== null },
    }),
  });
}
