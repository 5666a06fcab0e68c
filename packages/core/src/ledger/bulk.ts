import type { HeedContext } from "../context.ts";
import { InvalidInputError } from "../errors/invalid-input-error.ts";
import { onlyKeys, type KnownKeys } from "../only-keys.ts";
import { giveOthersATurn } from "../system-clock.ts";
import { BulkGroups, refusalIn, type BulkItem, type Refusal } from "./bulk-groups.ts";
import type { AskedChoice } from "./record-choices.ts";

/** What a bulk call reads its items from: an array, a generator, a parsed stream. Read as fast as it is stored. */
export type BulkSource<I> = Iterable<I> | AsyncIterable<I>;

/** How far a bulk call is. Counts are of this call; `position` is of the source. */
export interface BulkProgress {
  /** Items before this one are done: pass it as `from` to go on. */
  readonly position: number;
  /** Items taken from the source in this call, those before `from` not counted. */
  readonly read: number;
  /** Items that recorded something new. */
  readonly changed: number;
  /** Items that were so already. */
  readonly unchanged: number;
  readonly refused: number;
}

/** An item that could not be recorded. Names nobody: look it up in the source by its index. */
export interface BulkRefusal extends Refusal {
  /** Its place in the source, from 0. */
  readonly index: number;
}

/** What a bulk call came to. */
export interface BulkResult extends BulkProgress {
  /** The first 1,000 refusals; `onRefused` is told of every one. */
  readonly refusals: readonly BulkRefusal[];
  /** False when `signal` ended it before the source did. */
  readonly isComplete: boolean;
}

/** How a bulk call goes. */
export interface BulkOptions {
  /**
   * Names this run, with letters, digits, `-` and `_`, at most 40: an item without an id of its own gets one of
   * the run and its place, so that running the same source again under the same name changes nothing. Default:
   * none; a repeated opt-out is then recorded again, without telling any processor twice.
   */
  readonly run?: string;
  /** Items before this place are passed over. Default 0. */
  readonly from?: number;
  /** Decides and counts, and records nothing. Each item is held against what is stored now. */
  readonly dryRun?: boolean;
  /** Ends the call between two transactions; what was recorded stays, and the result says where to go on. */
  readonly signal?: AbortSignal;
  /** Told after each transaction. */
  readonly onProgress?: (progress: BulkProgress) => void;
  /** Told of each item that could not be recorded. */
  readonly onRefused?: (refusal: BulkRefusal) => void;
}

const bulkKeys: KnownKeys<BulkOptions> = {
  run: true,
  from: true,
  dryRun: true,
  signal: true,
  onProgress: true,
  onRefused: true,
};

const refusalsKept = 1_000;

/** So many items that are refused or passed over hold the process up for about as long as one transaction does. */
const itemsPerTurn = 200;

/**
 * Records a stream of choices in groups of up to 200, each choice as a single call would, its steps in the lane of
 * bulk. A group waits until it is full or the source has ended: from a source that pauses, record choices singly. An
 * item that cannot be recorded is told of and passed over; choices of one person keep their order. Memory does
 * not grow with the source.
 *
 * @param read parses one item; an `InvalidInputError` refuses it
 * @throws what the source throws, once what came before is recorded; what the storage throws. Run it again, or
 *   from the last `position`
 */
export async function recordInBulk<I>(
  context: HeedContext,
  source: BulkSource<I>,
  options: BulkOptions,
  read: (item: I) => AskedChoice,
): Promise<BulkResult> {
  const { run, from = 0, dryRun = false, signal } = options;
  const count = { read: 0, changed: 0, unchanged: 0, refused: 0 };
  const refusals: BulkRefusal[] = [];
  let next = 0;

  const refuse = (index: number, why: Refusal) => {
    const refusal = { index, ...why };
    count.refused += 1;
    if (refusals.length < refusalsKept) refusals.push(refusal);
    options.onRefused?.(refusal);
  };
  const groups = new BulkGroups(context, dryRun, {
    recorded: ({ changed, parked }) => void (count[changed || parked ? "changed" : "unchanged"] += 1),
    refused: refuse,
    groupEnded: () => options.onProgress?.(progress()),
  });
  const progress = (): BulkProgress => ({ position: groups.firstOpen ?? next, ...count });
  const readNext = (item: I, index: number): BulkItem | undefined => {
    try {
      const { named, choice } = read(item);
      const id = choice.id ?? (run === undefined ? undefined : `${run}-${index}`);
      return { index, named, choice: { ...choice, ...(id === undefined ? {} : { id }), inBulk: true } };
    } catch (error) {
      const refusal = refusalIn(error);
      if (refusal === undefined) throw error;
      refuse(index, refusal);
      return undefined;
    }
  };

  const failures: unknown[] = [];
  /** What came before the source failed is recorded all the same. */
  async function* reading(): AsyncGenerator<I> {
    try {
      yield* source;
    } catch (error) {
      failures.push(error);
    }
  }

  const isStopped = () => signal?.aborted === true;
  let isComplete = true;
  try {
    for await (const item of reading()) {
      if (isStopped()) {
        isComplete = false;
        break;
      }
      const index = next;
      next += 1;
      if (next % itemsPerTurn === 0) await giveOthersATurn();
      if (index < from) continue;
      count.read += 1;
      const parsed = readNext(item, index);
      if (parsed !== undefined) await groups.add(parsed);
    }
    while (!isStopped() && (await groups.goOn()));
  } finally {
    await groups.rest();
  }
  if (failures.length > 0) throw failures[0];
  return { ...progress(), refusals, isComplete: isComplete && groups.firstOpen === undefined };
}

/** @throws InvalidInputError when the source cannot be read one by one, or an option cannot be used */
export function checkBulk(call: string, source: unknown, options: BulkOptions = {}): BulkOptions {
  const isSource =
    typeof source === "object" &&
    source !== null &&
    (Symbol.iterator in source || Symbol.asyncIterator in source);
  if (!isSource) {
    throw new InvalidInputError(
      `${call} reads from an array, a generator or a stream of objects. Pass one.`,
      {
        issues: [{ path: "source", message: "not iterable" }],
      },
    );
  }
  const { run, from = 0 } = onlyKeys(options, call, bulkKeys);
  if (run !== undefined && !(typeof run === "string" && /^[A-Za-z0-9_-]{1,40}$/.test(run))) {
    throw new InvalidInputError("`run` names this run: use letters, digits, - and _, at most 40.", {
      issues: [{ path: "run", message: "not a name" }],
    });
  }
  if (!(Number.isSafeInteger(from) && from >= 0)) {
    throw new InvalidInputError("`from` is a place in the source: a whole number, zero or more.", {
      issues: [{ path: "from", message: "not a place" }],
    });
  }
  return options;
}
