import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  consistencyRanges,
  hashOfRange,
  inclusionRanges,
  isConsistent,
  rootFromInclusion,
} from "./merkle-proof.ts";
import { GrowingTree, leafHash, peakCount, type TreeNode } from "./merkle-tree.ts";

/** The tree's hash as RFC 9162 §2.1.1 defines it, written down once more and as simply as it goes. */
function definedRoot(leaves: readonly string[]): string {
  const sha = (...parts: readonly Buffer[]) => createHash("sha256").update(Buffer.concat(parts)).digest();
  const root = (part: readonly string[]): Buffer => {
    if (part.length === 0) return sha();
    if (part.length === 1) return sha(Buffer.of(0), Buffer.from(part[0] ?? ""));
    const k = 2 ** (Math.ceil(Math.log2(part.length)) - 1);
    return sha(Buffer.of(1), root(part.slice(0, k)), root(part.slice(k)));
  };
  return root(leaves).toString("hex");
}

const texts = (count: number) => Array.from({ length: count }, (_, index) => `leaf ${index}`);

function grown(leaves: readonly string[]): { tree: GrowingTree; kept: Map<string, string> } {
  const tree = new GrowingTree();
  const kept = new Map<string, string>();
  const keep = ({ level, place, hash }: TreeNode) => kept.set(`${level}/${place}`, hash);
  leaves.forEach((leaf, place) => {
    keep({ level: 0, place, hash: leafHash(leaf) });
    tree.append(leafHash(leaf)).forEach((node) => keep(node));
  });
  return { tree, kept };
}

const sizes = fc.integer({ min: 1, max: 600 });

describe("the tree", () => {
  it("has the roots of the Certificate Transparency test vectors", () => {
    const leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657"].map((hex) =>
      Buffer.from(hex, "hex").toString(),
    );
    expect(leaves.map((_, index) => grown(leaves.slice(0, index + 1)).tree.root)).toEqual([
      "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
      "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
      "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
      "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
      "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    ]);
  });

  it("has the root that the RFC defines, at any size, and remembers few hashes", () => {
    fc.assert(
      fc.property(sizes, (size) => {
        const { tree } = grown(texts(size));
        expect(tree.root).toBe(definedRoot(texts(size)));
        expect(tree.peaks).toHaveLength(peakCount(size));
      }),
      { numRuns: 40 },
    );
    expect(new GrowingTree().root).toBe(definedRoot([]));
  });

  it("goes on from its peaks as if it had never stopped", () => {
    fc.assert(
      fc.property(sizes, sizes, (first, second) => {
        const before = grown(texts(first)).tree;
        const after = new GrowingTree(before.size, before.peaks);
        for (const leaf of texts(first + second).slice(first)) after.append(leafHash(leaf));
        expect(after.root).toBe(definedRoot(texts(first + second)));
      }),
      { numRuns: 40 },
    );
  });
});

/** A size with a place in it. */
const placed = sizes.chain((size) => fc.tuple(fc.constant(size), fc.integer({ min: 0, max: size - 1 })));

describe("a proof", () => {
  it("of inclusion leads to the root, for every leaf, from the rows that are kept", () => {
    fc.assert(
      fc.property(placed, ([size, index]) => {
        const { tree, kept } = grown(texts(size));
        const proof = inclusionRanges(index, { from: 0, to: size }).map((range) =>
          hashOfRange(range, ({ level, place }) => kept.get(`${level}/${place}`) ?? "not kept"),
        );
        expect(proof.length).toBeLessThanOrEqual(Math.ceil(Math.log2(size)));
        expect(rootFromInclusion(index, size, leafHash(`leaf ${index}`), proof)).toBe(tree.root);
      }),
      { numRuns: 60 },
    );
  });

  it("of inclusion does not hold for another leaf, place or size, nor with a hash altered, added or gone", () => {
    fc.assert(
      fc.property(placed, fc.nat(), ([size, index], pick) => {
        const { tree, kept } = grown(texts(size));
        const proof = inclusionRanges(index, { from: 0, to: size }).map((range) =>
          hashOfRange(range, ({ level, place }) => kept.get(`${level}/${place}`) ?? "not kept"),
        );
        const leaf = leafHash(`leaf ${index}`);
        const wrong = leafHash("another");
        const at = pick % Math.max(1, proof.length);
        expect(rootFromInclusion(index, size, wrong, proof)).not.toBe(tree.root);
        expect(rootFromInclusion(index, size, leaf, [...proof, wrong])).toBeUndefined();
        for (const elsewhere of [index - 1, index + 1, size, -1, 0.5])
          expect(rootFromInclusion(elsewhere, size, leaf, proof)).not.toBe(tree.root);
        if (proof.length === 0) return;
        expect(rootFromInclusion(index, size, leaf, proof.with(at, wrong))).not.toBe(tree.root);
        expect(rootFromInclusion(index, size, leaf, proof.toSpliced(at, 1))).toBeUndefined();
      }),
      { numRuns: 60 },
    );
  });

  it("of consistency holds between any two sizes of one log, and between no two logs", () => {
    fc.assert(
      fc.property(placed, ([size, smaller]) => {
        const older = smaller + 1;
        const { tree, kept } = grown(texts(size));
        const proof = consistencyRanges(older, { from: 0, to: size }).map((range) =>
          hashOfRange(range, ({ level, place }) => kept.get(`${level}/${place}`) ?? "not kept"),
        );
        const newer = { size, root: tree.root };
        const before = { size: older, root: definedRoot(texts(older)) };
        expect(isConsistent(before, newer, proof)).toBe(true);
        const other = { size: older, root: definedRoot(texts(older).with(smaller, "altered")) };
        expect(isConsistent(other, newer, proof)).toBe(false);
        expect(isConsistent(before, newer, [...proof, newer.root])).toBe(false);
        expect(isConsistent({ ...before, size: size + 1 }, newer, proof)).toBe(false);
        proof.forEach((_, at) =>
          expect(isConsistent(before, newer, proof.with(at, leafHash("x")))).toBe(false),
        );
      }),
      { numRuns: 40 },
    );
  });

  it("needs a few hundred rows of a log of seventy thousand", () => {
    const { tree, kept } = grown(texts(70_001));
    const asked = new Set<string>();
    const index = 33_333;
    const proof = inclusionRanges(index, { from: 0, to: 70_001 }).map((range) =>
      hashOfRange(range, ({ level, place }) => {
        asked.add(`${level}/${place}`);
        return kept.get(`${level}/${place}`) ?? "not kept";
      }),
    );
    expect(rootFromInclusion(index, 70_001, leafHash(`leaf ${index}`), proof)).toBe(tree.root);
    expect(asked.size).toBeLessThan(3 * 256);
  });
});
