import { isOptOut } from "../ledger/event.ts";
import { isComeBack } from "../ledger/suppression.ts";
import type { JournalLine } from "./journal.ts";
import { inserts } from "./lost-writes.ts";

/** What the lost records say about each other. */
export interface LostFacts {
  /** Subjects whose erasure ended in the lost time. */
  readonly erased: ReadonlySet<string>;
  /** Subjects that became another's. */
  readonly linked: ReadonlyMap<string, string>;
  /** Subjects of whom nothing is known but that they said no. */
  readonly onlySaidNo: ReadonlySet<string>;
}

export function factsOf(lines: readonly JournalLine[]): LostFacts {
  const [saidNo, cameBack] = [new Set<string>(), new Set<string>()];
  for (const { record } of lines) {
    const isReturn = record.writes.some(isComeBack);
    for (const { owner, writes } of record.parts) {
      const kinds = inserts(writes, "events").map(({ row }) => row.kind);
      if (isReturn || kinds.some((kind) => !isOptOut(kind))) cameBack.add(owner);
      else if (kinds.length > 0) saidNo.add(owner);
    }
  }
  return {
    onlySaidNo: new Set([...saidNo].filter((owner) => !cameBack.has(owner))),
    erased: new Set(lines.flatMap(({ record }) => record.erased ?? [])),
    linked: new Map(
      lines.flatMap(({ record: { linked } }) => (linked === undefined ? [] : [[linked.from, linked.to]])),
    ),
  };
}
