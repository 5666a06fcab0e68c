import { randomUUID } from "node:crypto";
import type { Clock } from "../contract/clock.ts";
import type { HeedStorage } from "../contract/storage.ts";
import type { Keyring } from "../keys/keyring.ts";
import type { Journal, JournalIdentity } from "./journal.ts";

/** Nobody without the keyring can make a journal that is taken for this controller's. */
export function proofWith(keys: Keyring): (id: string) => string {
  return (id) => keys.digest("restore", "journal", id);
}

/** A table has a row or none. */
const aRow = { where: {}, limit: 1 } as const;

/**
 * Begins the journal of a database, unless another process has begun it. The database notes first that it takes part:
 * a copy of it from before lacks that, and what people had chosen by then is not in the journal.
 *
 * @param follows the ids of the journals that it had before, and that are lost
 */
export async function beginJournal(
  storage: HeedStorage,
  journal: Journal,
  keys: Keyring,
  clock: Clock,
  follows: readonly string[] = [],
): Promise<JournalIdentity | undefined> {
  const id = randomUUID();
  const isLate = await storage.transact({
    lock: [],
    clock,
    read: {
      subjects: { from: "subjects", ...aRow },
      suppressions: { from: "suppressions", ...aRow },
      requests: { from: "requests", ...aRow },
      evidence: { from: "evidence", ...aRow },
    },
    decide: (rows) => ({
      writes: [{ insert: "journalMarks", row: { writer: id, number: 0, journal: "" } }],
      answer: Object.values(rows).some((found) => found.length > 0),
    }),
  });
  return journal.open({
    id,
    proof: proofWith(keys)(id),
    dropped: {},
    ...(isLate ? { isLate } : {}),
    ...(follows.length === 0 ? {} : { follows }),
  });
}
