import type { Write } from "../contract/storage.ts";
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
  /** Subjects that an opt-out made, and of whom nothing else is known: they were not with the company. */
  readonly onlySaidNo: ReadonlySet<string>;
}

export function factsOf(lines: readonly JournalLine[]): LostFacts {
  const [saidNo, cameBack] = [new Set<string>(), new Set<string>()];
  for (const { record } of lines) {
    const isReturn = record.writes.some(isComeBack);
    const asks = inserts(record.writes, "requests").length > 0;
    // Whoever becomes one with somebody is known by more than their no.
    for (const owner of Object.values(record.linked ?? {})) cameBack.add(owner);
    for (const { owner, writes } of record.parts) {
      const kinds = inserts(writes, "events").map(({ row }) => row.kind);
      const isSilent = kinds.length > 0 && kinds.every(isOptOut);
      // Without a choice and a request, somebody recorded them.
      const isRecorded = kinds.length === 0 && !asks && writes.some(isIdentifiers);
      if (isReturn || isRecorded || kinds.some((kind) => !isOptOut(kind))) cameBack.add(owner);
      else if (isSilent && inserts(writes, "subjects").length > 0) saidNo.add(owner);
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

const isIdentifiers = (write: Write): boolean =>
  ("insert" in write && write.insert === "identifiers") ||
  ("update" in write && write.update === "identifiers");
