import { z } from "zod";
import { canonicalJson } from "./canonical-json.ts";
import {
  checkpointSchema,
  checkSignature,
  hashSchema,
  type Checkpoint,
  type PublicKeys,
} from "./checkpoint.ts";
import { fault } from "./evidence-fault.ts";
import { LogCheck, type CheckedEntry } from "./log-check.ts";
import { logEntrySchema, type LogEntry } from "./log-entry.ts";
import { isConsistent } from "./merkle-proof.ts";

/** How much of what was checked, and found to hold. */
export interface Checked {
  readonly what:
    | "checkpoint signatures"
    | "entries in the log"
    | "pruned entries"
    | "published checkpoints"
    | "receipt signature"
    | "statements";
  readonly count: number;
}

/** A log as it was exported. What comes from a file may be anything: it is parsed here. */
export interface ExportedLog {
  /** Every checkpoint, from the first. */
  readonly checkpoints: readonly Checkpoint[];
  /** Every entry, from the first; pruned ones with their commitment. */
  readonly entries: readonly LogEntry[];
  readonly publicKeys: PublicKeys;
  /** Checkpoints that were kept elsewhere: only these show that the tail was cut off together with its checkpoints. */
  readonly published?: readonly Checkpoint[];
}

/**
 * Checks a whole log offline: no storage, no secret, no network.
 *
 * @throws TamperedEvidenceError at the first thing that does not hold; `code` says what (see `EvidenceFault`)
 */
export function verifyEvidence(log: ExportedLog): readonly Checked[] {
  const checkpoints = read(z.array(checkpointSchema), log.checkpoints);
  const entries = read(z.array(logEntrySchema), log.entries);
  const published = read(z.array(checkpointSchema), log.published ?? []);
  const check = new LogCheck(log.publicKeys, published);
  for (const checkpoint of checkpoints) check.checkpoint(checkpoint);
  let pruned = 0;
  entries.forEach((entry, place) => {
    if (entry.index > place && entries.some(({ index }) => index === place))
      throw fault("wrong-order", `The entry ${place} does not stand in its place.`);
    if (!("entry" in entry)) pruned += 1;
    check.entry(checkedEntry(entry));
  });
  check.end();
  return [
    { what: "checkpoint signatures", count: checkpoints.length + published.length },
    { what: "entries in the log", count: entries.length },
    { what: "pruned entries", count: pruned },
    { what: "published checkpoints", count: published.length },
  ];
}

/** An exported entry as the check takes it. */
export function checkedEntry(entry: LogEntry): CheckedEntry {
  return "entry" in entry
    ? { ...entry, content: { salt: entry.salt, text: canonicalJson(entry.entry) } }
    : entry;
}

const consistencySchema = z.strictObject({
  older: checkpointSchema,
  newer: checkpointSchema,
  proof: z.array(hashSchema),
});

/** Two checkpoints of one log, and why the log of the newer begins with the log of the older. */
export type ConsistencyProof = z.infer<typeof consistencySchema>;

/**
 * Checks that nothing before the older checkpoint has changed up to the newer one, with about log2(size) hashes
 * and no entry (RFC 9162 §2.1.4).
 *
 * @throws TamperedEvidenceError `rewritten`, `forged-signature`, `wrong-key`, `unreadable`
 */
export function verifyConsistency(given: ConsistencyProof, publicKeys: PublicKeys): readonly Checked[] {
  const { older, newer, proof } = read(consistencySchema, given);
  for (const checkpoint of [older, newer]) checkSignature("checkpoint", checkpoint, publicKeys);
  if (older.namespace !== newer.namespace || !isConsistent(older, newer, proof))
    throw fault("rewritten", "The log of the newer checkpoint does not begin with the log of the older one.");
  return [{ what: "checkpoint signatures", count: 2 }];
}

/** What has the form that it must have. @throws TamperedEvidenceError `unreadable` */
export function read<T>(schema: z.ZodType<T>, given: unknown): T {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw fault("unreadable", `It has not the form that heed gives it, at "${issue?.path.join(".") ?? ""}".`);
}
