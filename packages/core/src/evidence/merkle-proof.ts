import { keptEvery, nodeHash } from "./merkle-tree.ts";

/** Leaves from `from` up to, but without, `to`. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** The largest power of two below `count`: where RFC 9162 §2.1.1 divides a tree. */
function split(count: number): number {
  let part = 1;
  while (part * 2 < count) part *= 2;
  return part;
}

/** The ranges whose hashes prove that a leaf is in a tree, the nearest first (RFC 9162 §2.1.3.1). */
export function inclusionRanges(index: number, { from, to }: Range): readonly Range[] {
  if (to - from <= 1) return [];
  const middle = from + split(to - from);
  const [left, right] = [
    { from, to: middle },
    { from: middle, to },
  ];
  return index < middle ? [...inclusionRanges(index, left), right] : [...inclusionRanges(index, right), left];
}

/** The root that a leaf and its proof come to; undefined where the proof has not the length it must have. */
export function rootFromInclusion(
  index: number,
  size: number,
  leaf: string,
  proof: readonly string[],
): string | undefined {
  if (!(Number.isSafeInteger(size) && Number.isSafeInteger(index))) return undefined;
  if (index < 0 || index >= size) return undefined;
  if (proof.length !== inclusionRanges(index, { from: 0, to: size }).length) return undefined;
  const rest = [...proof];
  const hashOf = ({ from, to }: Range): string => {
    if (to - from === 1) return leaf;
    const other = rest.pop() ?? "";
    const middle = from + split(to - from);
    return index < middle
      ? nodeHash(hashOf({ from, to: middle }), other)
      : nodeHash(other, hashOf({ from: middle, to }));
  };
  return hashOf({ from: 0, to: size });
}

/** The ranges whose hashes prove that the tree of `older` leaves is the beginning of one of `to` (§2.1.4.1). */
export function consistencyRanges(older: number, range: Range, isWhole = true): readonly Range[] {
  const { from, to } = range;
  if (older === to) return isWhole ? [] : [range];
  const middle = from + split(to - from);
  const [left, right] = [
    { from, to: middle },
    { from: middle, to },
  ];
  return older <= middle
    ? [...consistencyRanges(older, left, isWhole), right]
    : [...consistencyRanges(older, right, false), left];
}

/** Whether the proof leads from the root of `older` leaves to the root of `newer` leaves. */
export function isConsistent(
  older: { readonly size: number; readonly root: string },
  newer: { readonly size: number; readonly root: string },
  proof: readonly string[],
): boolean {
  if (!(Number.isSafeInteger(newer.size) && older.size > 0 && older.size <= newer.size)) return false;
  if (proof.length !== consistencyRanges(older.size, { from: 0, to: newer.size }).length) return false;
  const rest = [...proof];
  const rootsOf = ({ from, to }: Range, isWhole: boolean): readonly [string, string] => {
    if (older.size === to) {
      const hash = isWhole ? older.root : (rest.pop() ?? "");
      return [hash, hash];
    }
    const other = rest.pop() ?? "";
    const middle = from + split(to - from);
    if (older.size <= middle) {
      const [before, after] = rootsOf({ from, to: middle }, isWhole);
      return [before, nodeHash(after, other)];
    }
    const [before, after] = rootsOf({ from: middle, to }, false);
    return [nodeHash(other, before), nodeHash(other, after)];
  };
  const [before, after] = rootsOf({ from: 0, to: newer.size }, true);
  return before === older.root && after === newer.root;
}

/**
 * The hash of a range as a tree divides it, from what is kept of the tree: its leaves, and every
 * {@link keptEvery}th level above them.
 */
export function hashOfRange(
  { from, to }: Range,
  kept: (node: { readonly level: number; readonly place: number }) => string,
): string {
  const count = to - from;
  const middle = from + split(count);
  // A power of two is a complete subtree, and begins where its size says.
  const level = Math.log2(count);
  if (Number.isInteger(level) && level % keptEvery === 0) return kept({ level, place: from / count });
  return nodeHash(hashOfRange({ from, to: middle }, kept), hashOfRange({ from: middle, to }, kept));
}
