import type { JournalLine } from "./journal.ts";

/** What the lost records say about each other. */
export interface LostFacts {
  /** Subjects whose erasure ended in the lost time. */
  readonly erased: ReadonlySet<string>;
  /** Subjects that became another's. */
  readonly linked: ReadonlyMap<string, string>;
}

export function factsOf(lines: readonly JournalLine[]): LostFacts {
  return {
    erased: new Set(lines.flatMap(({ record }) => record.erased ?? [])),
    linked: new Map(
      lines.flatMap(({ record: { linked } }) => (linked === undefined ? [] : [[linked.from, linked.to]])),
    ),
  };
}
