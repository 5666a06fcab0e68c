import type { HeedContext } from "../context.ts";
import type { Clock } from "../contract/clock.ts";
import type { HeedStorage } from "../contract/storage.ts";
import { HeedError, isHeedError } from "../errors/heed-error.ts";
import { InvalidInputError } from "../errors/invalid-input-error.ts";
import { isKnown, knownRecords } from "./journal-position.ts";
import type { JournaledStorage } from "./journaled-storage.ts";
import { factsOf } from "./lost-facts.ts";
import { planRestored } from "./plan-restored.ts";
import { countCopy, replayRecord } from "./replay-record.ts";
import { unknownErasures } from "./unknown-erasures.ts";

/** How a restoration is carried out. */
export interface RestoreAsk {
  /** Only counts. Default false. */
  readonly dryRun?: boolean;
  /**
   * The journal is gone for good: begin a new one, and go on without what the old one had. Or it was compacted beyond
   * this database: go on without what was left out. Default false.
   */
  readonly acceptLoss?: boolean;
  /** Told after each record. */
  readonly onProgress?: (progress: { readonly done: number; readonly of: number }) => void;
}

/** What a restoration replayed, or in a dry run would replay. */
export interface Restored {
  readonly records: number;
  readonly choices: number;
  readonly requests: number;
  /** Erasures that had ended. They are carried out again, but for people who had come back, and unknown ones. */
  readonly erasures: number;
  /**
   * Those among them of people whom this database does not know, because they came after it was copied, or whose keys
   * are gone. Nothing is left to find their data by: where other data of the application was put back too, ask
   * `suppression.check` about each address in it, and erase those that it answers `erased` for.
   */
  readonly unknownErasures: number;
}

/** How the database stands to its journal. */
export interface JournalState {
  /** `level`: nothing is lost. `restore-needed`: held until `heed.restore()`. */
  readonly state: "level" | "restore-needed";
  /** Records that the database lacks. */
  readonly lost: number;
  /** Present where a restoration is needed of a database that has nobody in it: it may not be the one that is meant. */
  readonly isEmpty?: true;
}

export async function journalState(storage: JournaledStorage, clock: Clock): Promise<JournalState> {
  const { lost } = await storage.position();
  if (!(await storage.isHeld())) return { state: "level", lost: lost.length };
  const state = { state: "restore-needed", lost: lost.length } as const;
  return (await hasNobody(storage.inner, clock)) ? { ...state, isEmpty: true } : state;
}

/** Neither a subject, nor anything that outlives one. */
function hasNobody(storage: HeedStorage, clock: Clock): Promise<boolean> {
  return storage.transact({
    lock: [],
    clock,
    read: {
      subjects: { from: "subjects", where: { id: { above: "" } }, limit: 1 },
      suppressions: { from: "suppressions", where: { digest: { above: "" } }, limit: 1 },
    },
    decide: ({ subjects, suppressions }) => ({
      writes: [],
      answer: subjects.length + suppressions.length === 0,
    }),
  });
}

/**
 * Replays what a restored database lost, in the order of the journal, and lets it work again. May be
 * interrupted at any instant and called again. While another restoration runs, do not start one. Where several
 * controllers share the storage, it is held until each has restored: only it can plan its own steps.
 */
export async function restore(
  context: HeedContext,
  storage: JournaledStorage,
  ask: RestoreAsk,
): Promise<Restored> {
  const { lost } = await storage.position().catch(async (error: unknown) => {
    const code = isHeedError(error) && ask.acceptLoss === true ? error.code : undefined;
    if (code !== "journal-missing" && code !== "journal-compacted") throw error;
    if (ask.dryRun === true) return { lost: [] };
    return code === "journal-missing" ? storage.beginAnew() : storage.acceptCompacted();
  });
  const once = [...new Map(lost.map((line) => [line.record.id, line])).values()];
  const unknown = await unknownErasures({ ...context, storage: storage.inner }, lost);
  const counted = { records: once.length, choices: 0, requests: 0, erasures: 0, unknownErasures: unknown };
  for (const { record } of once) {
    const all = [...record.writes, ...record.parts.flatMap((part) => part.writes)];
    counted.choices += all.filter((write) => "insert" in write && write.insert === "events").length;
    counted.requests += all.filter((write) => "insert" in write && write.insert === "requests").length;
    if (record.erased !== undefined) counted.erasures += 1;
  }
  if (ask.dryRun === true) return counted;

  // What is replayed is in the journal already.
  const below: HeedContext = { ...context, storage: storage.inner };
  const facts = factsOf(lost);
  const replayed = new Set<string>();
  for (const [index, line] of lost.entries()) {
    if (replayed.has(line.record.id)) await countCopy(below, line);
    else await replayRecord(below, line, facts);
    replayed.add(line.record.id);
    ask.onProgress?.({ done: index + 1, of: lost.length });
  }
  const ofOthers = await planRestored(below);
  const known = await knownRecords(storage.inner, context.clock);
  if (known.unplanned.length > ofOthers || lost.some((line) => !isKnown(line, known)))
    throw new HeedError("Something is still missing after the restoration. Call heed.restore() again.", {
      code: "restore-incomplete",
    });
  await storage.position();
  return counted;
}

export function noJournal(): InvalidInputError {
  return new InvalidInputError(
    'There is no journal. Pass one to createHeed, for example `journal: fileJournal("heed.journal")`.',
    { code: "no-journal" },
  );
}
