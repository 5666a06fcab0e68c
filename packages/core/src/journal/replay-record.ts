import type { HeedContext } from "../context.ts";
import { markWrites } from "./journal-marks.ts";
import type { JournalLine } from "./journal.ts";
import type { LostFacts } from "./lost-facts.ts";
import { replayPart } from "./replay-part.ts";
import { replayRest } from "./replay-rest.ts";
import { writeAll } from "./write-all.ts";

/**
 * Brings one record back: each part in a transaction, then the rest together with the mark that it is there.
 * Repeating any of them changes nothing, so a crash in between costs nothing.
 */
export async function replayRecord(context: HeedContext, line: JournalLine, facts: LostFacts): Promise<void> {
  for (const part of line.record.parts) await replayPart(context, part, facts);
  await replayRest(context, line);
}

/** Counts a second copy of a record: what came between the two would be undone by replaying it again. */
export function countCopy({ storage, clock }: HeedContext, line: JournalLine): Promise<void> {
  return writeAll(storage, clock, markWrites(line));
}
