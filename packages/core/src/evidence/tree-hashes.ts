import type { HeedContext } from "../context.ts";
import type { Row } from "../contract/tables.ts";
import { leafOf, type Committed } from "./commitment.ts";
import { fault } from "./evidence-fault.ts";
import { hashOfRange, type Range } from "./merkle-proof.ts";

interface Place {
  readonly level: number;
  readonly place: number;
}

const nameOf = ({ level, place }: Place) => `${level}/${place}`;

/**
 * Hashes of ranges of the log's tree, from its rows. Which rows that takes is known by computing once with
 * nothing in hand; it is a few hundred for each range, however long the log is.
 *
 * @throws TamperedEvidenceError `missing-entry`
 */
export async function treeHashes(context: HeedContext, ranges: readonly Range[]): Promise<readonly string[]> {
  const wanted = new Map<string, Place>();
  for (const range of ranges)
    hashOfRange(range, (node) => {
      wanted.set(nameOf(node), node);
      return "";
    });
  const hashes = await keptHashes(context, [...wanted.values()]);
  return ranges.map((range) =>
    hashOfRange(range, (node) => {
      const hash = hashes.get(nameOf(node));
      if (hash === undefined)
        throw fault("missing-entry", `Of the log's tree, ${node.place} on level ${node.level} is not there.`);
      return hash;
    }),
  );
}

async function keptHashes(
  context: HeedContext,
  places: readonly Place[],
): Promise<ReadonlyMap<string, string>> {
  const { namespace, storage, clock } = context;
  const leaves = places.filter(({ level }) => level === 0).map(({ place }) => place);
  const above = places.filter(({ level }) => level > 0);
  return storage.transact({
    lock: [],
    clock,
    read: {
      entries: { from: "evidence", where: { namespace, sealedAs: leaves } },
      nodes: {
        from: "evidenceTree",
        where: { namespace, level: above.map(({ level }) => level), place: above.map(({ place }) => place) },
      },
    },
    decide: ({ entries, nodes }) => ({
      writes: [],
      answer: new Map([
        ...entries.map((row): [string, string] => [
          nameOf({ level: 0, place: row.sealedAs ?? -1 }),
          leafOf(committed(row)),
        ]),
        ...nodes.map((node): [string, string] => [nameOf(node), node.hash]),
      ]),
    }),
  });
}

/** A sealed row's part in the log. */
export function committed({ id, at, commitment }: Row<"evidence">): Committed {
  return { id, at, commitment: commitment ?? "" };
}
