import { z } from "zod";
import type { HeedContext } from "../context.ts";
import type { Row } from "../contract/tables.ts";
import { parsedJson } from "./canonical-json.ts";
import { checkpointSchema, type Checkpoint, type PublicKeys } from "./checkpoint.ts";
import { fault } from "./evidence-fault.ts";
import { LogCheck } from "./log-check.ts";
import type { TreeNode } from "./merkle-tree.ts";
import { checkpointPages, entryPages } from "./read-log.ts";
import { checkpointFrom, newestCheckpoint, treeOf } from "./seal-evidence.ts";
import { committed } from "./tree-hashes.ts";
import { read, type Checked } from "./verify-evidence.ts";

/** What to check a stored log against. */
export interface VerifyAsk {
  /** Checkpoints that were published: the log must begin with what they cover. */
  readonly published?: readonly Checkpoint[];
  /** Public keys of the past that the keyring has no longer. */
  readonly publicKeys?: PublicKeys;
  /** Called after each page, with how many entries of how many were checked. */
  readonly onProgress?: (progress: { readonly entries: number; readonly of: number }) => void;
}

/**
 * Checks the whole stored log, a page at a time: every entry is what was sealed and stands in its place, every
 * checkpoint is signed and follows the one before it, and what was published is its beginning. What is sealed
 * meanwhile is checked too.
 *
 * @throws TamperedEvidenceError at the first thing that does not hold; `code` says what (see `EvidenceFault`)
 */
export async function verifyStorage(context: HeedContext, ask: VerifyAsk): Promise<readonly Checked[]> {
  const published = read(z.array(checkpointSchema), ask.published ?? []);
  const check = new LogCheck({ ...ask.publicKeys, ...context.keys.publicKeys() }, published);
  let newest = (await newestCheckpoint(context))?.checkpoint;
  let pruned = 0;
  for (;;) {
    pruned += await checkUpTo(context, check, newest, ask.onProgress);
    // A pruning that went on meanwhile announced itself in a checkpoint that is there by now.
    const now = (await newestCheckpoint(context))?.checkpoint;
    if (now?.seq === newest?.seq) break;
    newest = now;
  }
  check.end();
  await checkNothingFollows(context, newest);
  return [
    { what: "checkpoint signatures", count: check.counts.checkpoints + published.length },
    { what: "entries in the log", count: check.counts.entries },
    { what: "pruned entries", count: pruned },
    { what: "published checkpoints", count: published.length },
  ];
}

/** Goes on to a checkpoint from where the check is, and answers how many of the entries were pruned. */
async function checkUpTo(
  context: HeedContext,
  check: LogCheck,
  newest: Checkpoint | undefined,
  onProgress: VerifyAsk["onProgress"],
): Promise<number> {
  let pruned = 0;
  for await (const page of checkpointPages(context, check.counts.checkpoints)) {
    const known = page.filter(({ seq }) => seq <= (newest?.seq ?? 0));
    for (const row of known) {
      check.checkpoint(checkpointFrom(row));
      treeOf(row);
    }
    for await (const entries of entryPages(context, check.counts.entries, known.at(-1)?.size ?? 0)) {
      const completed: TreeNode[] = [];
      for (const row of entries) {
        if (row.entry === null) pruned += 1;
        completed.push(...check.entry({ ...committed(row), index: row.sealedAs ?? -1, ...contentOf(row) }));
      }
      await checkNodes(context, completed);
      onProgress?.({ entries: check.counts.entries, of: newest?.size ?? 0 });
    }
  }
  return pruned;
}

/** What the commitment of a row is made of. A pruned row has nothing left that nobody could check. */
function contentOf({ sealedAs, requestId, salt, entry }: Row<"evidence">) {
  const altered = () => fault("altered-entry", `The entry ${sealedAs ?? ""} is not what was sealed.`);
  if (entry === null) {
    if (salt === null && requestId === null) return {};
    throw altered();
  }
  const parsed = parsedJson(entry) as { readonly requestId?: string } | null | undefined;
  if (salt === null || requestId !== (parsed?.requestId ?? null)) throw altered();
  return { content: { salt, text: entry } };
}

/** The kept nodes are those that the entries make: receipts are proven with them. */
async function checkNodes(context: HeedContext, completed: readonly TreeNode[]): Promise<void> {
  if (completed.length === 0) return;
  const { namespace, storage, clock } = context;
  const kept = await storage.transact({
    lock: [],
    clock,
    read: {
      nodes: {
        from: "evidenceTree",
        where: {
          namespace,
          level: completed.map(({ level }) => level),
          place: completed.map(({ place }) => place),
        },
      },
    },
    decide: ({ nodes }) => ({ writes: [], answer: nodes }),
  });
  for (const { level, place, hash } of completed) {
    if (!kept.some((node) => node.level === level && node.place === place && node.hash === hash))
      throw fault("altered-entry", `Of the log's tree, ${place} on level ${level} is not what was sealed.`);
  }
}

async function checkNothingFollows(context: HeedContext, newest: Checkpoint | undefined): Promise<void> {
  const { namespace, storage, clock } = context;
  const isAsItWas = await storage.transact({
    lock: [],
    clock,
    read: {
      newest: { from: "checkpoints", where: { namespace, isNewest: 1 } },
      later: { from: "checkpoints", where: { namespace, seq: { above: newest?.seq ?? 0 } }, limit: 1 },
      beyond: {
        from: "evidence",
        where: { namespace, sealedAs: { above: (newest?.size ?? 0) - 1 } },
        limit: 1,
      },
    },
    decide: (rows) => {
      const isSame =
        rows.newest.length === (newest === undefined ? 0 : 1) && rows.newest[0]?.seq === newest?.seq;
      // Sealed meanwhile: the next check's.
      const hasGrown = rows.newest.length === 1 && (rows.newest[0]?.seq ?? 0) > (newest?.seq ?? 0);
      const isNothingBeyond = rows.later.length === 0 && rows.beyond.length === 0;
      return { writes: [], answer: hasGrown || (isSame && isNothingBeyond) };
    },
  });
  if (!isAsItWas) throw fault("unsealed-tail", "The log goes on after its newest checkpoint.");
}
