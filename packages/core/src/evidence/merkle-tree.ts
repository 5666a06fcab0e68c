import { hash } from "node:crypto";

/**
 * The one growing tree of hashes over a log, as in RFC 9162 §2.1: SHA-256, with leaves and nodes told apart by
 * their first byte. Hashes are 64 lower-case hexadecimal digits, so each has one spelling.
 */
const leafByte = "\u0000";
const nodeByte = "01";

export function leafHash(data: string): string {
  return hash("sha256", leafByte + data, "hex");
}

export function nodeHash(left: string, right: string): string {
  return hash("sha256", Buffer.from(nodeByte + left + right, "hex"), "hex");
}

/** Every how many levels a node is kept: with 8, one hash for 256 leaves, one for 65,536, … */
export const keptEvery = 8;

/** A node over `2 ** level` leaves, the `place`-th of its level from the left. */
export interface TreeNode {
  readonly level: number;
  readonly place: number;
  readonly hash: string;
}

/** A tree that leaves are added to. It remembers its complete subtrees only, so about log2(size) hashes. */
export class GrowingTree {
  #size: number;
  readonly #peaks: string[];

  /** @param peaks the roots of the complete subtrees, the largest first */
  constructor(size = 0, peaks: readonly string[] = []) {
    this.#size = size;
    this.#peaks = [...peaks];
  }

  get size(): number {
    return this.#size;
  }

  get peaks(): readonly string[] {
    return this.#peaks;
  }

  get root(): string {
    const [first, ...others] = this.#peaks.toReversed();
    if (first === undefined) return hash("sha256", "", "hex");
    return others.reduce((right, left) => nodeHash(left, right), first);
  }

  /** Adds a leaf, and answers the nodes to keep that it completed. */
  append(leaf: string): readonly TreeNode[] {
    const completed: TreeNode[] = [];
    let [hash, level, place] = [leaf, 0, this.#size];
    while (place % 2 === 1) {
      hash = nodeHash(this.#peaks.pop() ?? "", hash);
      level += 1;
      place = (place - 1) / 2;
      if (level % keptEvery === 0) completed.push({ level, place, hash });
    }
    this.#peaks.push(hash);
    this.#size += 1;
    return completed;
  }
}

/** How many complete subtrees a tree of this size has: the ones of its binary number. */
export function peakCount(size: number): number {
  let count = 0;
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) count += rest % 2;
  return count;
}
