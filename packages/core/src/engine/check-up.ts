import type { HeedContext } from "../context.ts";
import { isHeedError } from "../errors/heed-error.ts";
import { restoreNeeded } from "../errors/restore-needed.ts";
import { keyReads, refuseUnknownKeys } from "../keys/known-keys.ts";
import { AccountChecks } from "./account-check.ts";
import type { BatchSettings } from "./ask.ts";

/** One part that heed stands on, and whether it is well. Ids, slugs and advice: nothing personal. */
export interface CheckedPart {
  /** `"storage"`, `"journal"` where there is one, `"keys"`, or the id of a processor. */
  readonly part: string;
  readonly ok: boolean;
  /** A slug: what is wrong. */
  readonly because?: string;
  /** What to do about it. */
  readonly advice?: string;
}

/**
 * Looks at everything that heed stands on, by reading only: the storage answers and lacks nothing of its
 * journal, its rows were written under keys that this process has, and each processor's credentials open the account that they should, with all
 * that its operations and topics need.
 */
export async function checkUp(
  context: HeedContext,
  settings: BatchSettings,
): Promise<readonly CheckedPart[]> {
  const storage = await checkStorage(context);
  if (!storage.ok) return [storage];
  const checks = new AccountChecks(context, settings);
  const processors = Object.keys(context.processors).filter((id) => id !== "heed");
  const accounts = await Promise.all(processors.map((id) => checkProcessor(context, checks, id)));
  return [storage, ...(await checkJournal(context)), await checkKeys(context), ...accounts.flat()];
}

async function checkJournal({ journaled }: HeedContext): Promise<readonly CheckedPart[]> {
  if (journaled === undefined) return [];
  try {
    return [(await journaled.isHeld()) ? failed("journal", restoreNeeded()) : { part: "journal", ok: true }];
  } catch (error) {
    return [failed("journal", error)];
  }
}

async function checkStorage({ storage, clock, namespace }: HeedContext): Promise<CheckedPart> {
  try {
    await storage.transact({
      lock: [],
      clock,
      read: { any: { from: "requests", where: { namespace }, limit: 1 } },
      decide: () => ({ writes: [], answer: undefined }),
    });
    return { part: "storage", ok: true };
  } catch (error) {
    return failed("storage", error);
  }
}

async function checkKeys({ storage, clock, keys }: HeedContext): Promise<CheckedPart> {
  try {
    await storage.transact({
      lock: [],
      clock,
      read: keyReads(keys),
      decide: (rows) => {
        refuseUnknownKeys(keys, rows);
        return { writes: [], answer: undefined };
      },
    });
    return { part: "keys", ok: true };
  } catch (error) {
    return failed("keys", error);
  }
}

function failed(part: string, error: unknown): CheckedPart {
  if (!isHeedError(error)) throw error;
  return { part, ok: false, because: error.code, advice: error.message };
}

async function checkProcessor(
  context: HeedContext,
  checks: AccountChecks,
  id: string,
): Promise<readonly CheckedPart[]> {
  const processor = context.processors[id];
  if (processor === undefined) return [];
  const state = await checks.prove(id, processor);
  if (!state.proven) {
    const advice = advices[state.because] ?? "Try again later; if it stays, look at the vendor's status.";
    return [{ part: id, ok: false, because: state.because, advice }];
  }
  const { lacks, unknownTopics } = state.checked;
  const found: readonly CheckedPart[] = [
    ...lacks.map(({ operation, needs }) => ({
      part: id,
      ok: false,
      because: "capability-missing",
      advice: `${operation} will not work: grant ${needs}.`,
    })),
    ...unknownTopics.map((topic) => ({
      part: id,
      ok: false,
      because: "unknown-topic",
      advice: `The vendor does not know the list that the topic "${topic}" is bound to: bind the right one.`,
    })),
  ];
  return found.length > 0 ? found : [{ part: id, ok: true }];
}

const advices: Readonly<Record<string, string>> = {
  "wrong-account":
    "The credentials open another account than the processor names: pass those of the right one.",
  "account-refused":
    "The vendor refuses the credentials: they are wrong, have expired, or lack a permission.",
  "adapter-failed": "The adapter failed in an unexpected way: listen to work.failed for the error.",
};
