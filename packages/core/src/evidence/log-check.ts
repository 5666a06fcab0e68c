import { parsedJson } from "./canonical-json.ts";
import { checkpointHash, checkSignature, type Checkpoint, type PublicKeys } from "./checkpoint.ts";
import { commitmentTo, leafOf, type Committed } from "./commitment.ts";
import { evidenceEntrySchema } from "./entry.ts";
import { fault } from "./evidence-fault.ts";
import { GrowingTree, type TreeNode } from "./merkle-tree.ts";

/** An entry as the check takes it: `content` is missing where it was pruned. */
export interface CheckedEntry extends Committed {
  readonly index: number;
  readonly content?: { readonly salt: string; readonly text: string };
}

/**
 * Goes through a log from its beginning: checkpoints first, then the entries they cover, in any portions.
 * Every checkpoint's root is made anew from the entries, so what was altered, moved, removed or added before
 * it shows. Holds a few hashes, however long the log is.
 */
export class LogCheck {
  readonly #publicKeys: PublicKeys;
  readonly #tree = new GrowingTree();
  /** By size of the log: the roots that it must have then. */
  readonly #expected = new Map<number, { readonly root: string; readonly isPublished: boolean }[]>();
  #newest: Checkpoint | undefined;
  #checkpoints = 0;
  /** The youngest entry that is empty, and before when entries were pruned by what the log says. */
  #emptyAt = "";
  #prunedBefore = "";

  /** @param published checkpoints kept elsewhere, which this log must begin with */
  constructor(publicKeys: PublicKeys, published: readonly Checkpoint[] = []) {
    this.#publicKeys = publicKeys;
    for (const checkpoint of published) {
      checkSignature("checkpoint", checkpoint, publicKeys);
      this.#expect(checkpoint, true);
    }
  }

  /** Entries and checkpoints that held so far. */
  get counts(): { readonly entries: number; readonly checkpoints: number } {
    return { entries: this.#tree.size, checkpoints: this.#checkpoints };
  }

  /** The next checkpoint, before any entry that it covers. @throws TamperedEvidenceError */
  checkpoint(next: Checkpoint): void {
    checkSignature("checkpoint", next, this.#publicKeys);
    const before = this.#newest;
    const seq = (before?.seq ?? 0) + 1;
    if (next.seq < seq) throw fault("wrong-order", `The checkpoint ${next.seq} stands after ${seq - 1}.`);
    if (next.seq > seq) throw fault("missing-checkpoint", `The checkpoint ${seq} is not there.`);
    const follows =
      next.previous === (before === undefined ? null : checkpointHash(before)) &&
      next.size > (before?.size ?? 0) &&
      (before === undefined || next.namespace === before.namespace);
    if (!follows)
      throw fault("altered-checkpoint", `The checkpoint ${next.seq} does not follow the one before it.`);
    this.#newest = next;
    this.#checkpoints += 1;
    this.#expect(next, false);
  }

  /** The next entry; answers the nodes of the tree that it completed. @throws TamperedEvidenceError */
  entry(next: CheckedEntry): readonly TreeNode[] {
    const { size } = this.#tree;
    if (next.index > size) throw fault("missing-entry", `The entry ${size} is not there.`);
    if (next.index < size)
      throw fault("wrong-order", `An entry of place ${next.index} stands in place ${size}.`);
    if (size >= (this.#newest?.size ?? 0))
      throw fault("unsealed-tail", `The entry ${size} stands after the newest checkpoint.`);
    const { content } = next;
    if (content === undefined) this.#emptyAt = latest(this.#emptyAt, next.at);
    else {
      if (commitmentTo(content.salt, content.text) !== next.commitment)
        throw fault("altered-entry", `The entry ${size} is not what was sealed.`);
      this.#prunedBefore = latest(this.#prunedBefore, prunedBefore(content.text));
    }
    const completed = this.#tree.append(leafOf(next));
    this.#compare();
    return completed;
  }

  /** No more entries. @throws TamperedEvidenceError `missing-tail`, `emptied-entry` */
  end(): void {
    const { size } = this.#tree;
    // One after another: there may be more of them than a call takes arguments.
    const missing = [...this.#expected.keys()].reduce((one, other) => Math.max(one, other), 0);
    if (missing > size)
      throw fault("missing-tail", `The log ends after ${size} entries; a checkpoint covers ${missing}.`);
    if (this.#emptyAt !== "" && this.#emptyAt >= this.#prunedBefore)
      throw fault("emptied-entry", `An entry of ${this.#emptyAt} is empty, and no pruning says so.`);
  }

  #expect({ size, root }: Checkpoint, isPublished: boolean): void {
    this.#expected.set(size, [...(this.#expected.get(size) ?? []), { root, isPublished }]);
  }

  #compare(): void {
    const { size, root } = this.#tree;
    const wrong = this.#expected.get(size)?.filter((each) => each.root !== root) ?? [];
    if (wrong.some(({ isPublished }) => !isPublished))
      throw fault("altered-entry", `Something among the first ${size} entries is not what was sealed.`);
    if (wrong.length > 0)
      throw fault("rewritten", `The first ${size} entries are not those that were published.`);
    this.#expected.delete(size);
  }
}

const latest = (one: string, other: string): string => (one > other ? one : other);

/** Where an entry says that older ones were pruned: before when. */
function prunedBefore(text: string): string {
  if (!text.includes('"evidence.pruned"')) return "";
  const entry = evidenceEntrySchema.safeParse(parsedJson(text));
  return entry.success && entry.data.kind === "evidence.pruned" ? entry.data.before : "";
}
