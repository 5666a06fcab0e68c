import { z } from "zod";
import { checkpointSchema, type Checkpoint, type PublicKeys } from "./checkpoint.ts";
import { fault } from "./evidence-fault.ts";
import { LogCheck } from "./log-check.ts";
import { logEntrySchema } from "./log-entry.ts";
import { checkedEntry, read, type Checked } from "./verify-evidence.ts";

/** What the lines of a log are checked against. */
export interface LogAgainst {
  /** What `keys.publicKeys()` answers. Come by them elsewhere than from whoever hands over the log. */
  readonly publicKeys: PublicKeys;
  /** Checkpoints that were kept elsewhere: only these show that the tail was cut off together with its checkpoints. */
  readonly published?: readonly Checkpoint[];
}

/**
 * Checks a whole log that was written as lines, offline: no storage, no secret, no network. Holds one line and a
 * few hashes at a time, however long the log is.
 *
 * @param lines what `heed evidence` wrote and `heed.evidence.lines()` gives, each without its line feed
 * @throws TamperedEvidenceError at the first thing that does not hold; `code` says what (see `EvidenceFault`)
 */
export async function verifyLog(
  lines: AsyncIterable<string> | Iterable<string>,
  against: LogAgainst,
): Promise<readonly Checked[]> {
  const published = read(z.array(checkpointSchema), against.published ?? []);
  const check = new LogCheck(against.publicKeys, published);
  let pruned = 0;
  for await (const line of lines) {
    const given = parsed(line);
    if (isCheckpoint(given)) {
      check.checkpoint(read(checkpointSchema, given));
      continue;
    }
    const entry = read(logEntrySchema, given);
    if (!("entry" in entry)) pruned += 1;
    check.entry(checkedEntry(entry));
  }
  check.end();
  return [
    { what: "checkpoint signatures", count: check.counts.checkpoints + published.length },
    { what: "entries in the log", count: check.counts.entries },
    { what: "pruned entries", count: pruned },
    { what: "published checkpoints", count: published.length },
  ];
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw fault("unreadable", "A line of the log is not JSON.");
  }
}

/** By the key that no entry has: whether it has the form of one is the schema's to say. */
function isCheckpoint(given: unknown): boolean {
  return typeof given === "object" && given !== null && "format" in given;
}
