import type { HeedContext } from "../context.ts";
import { isHeedError } from "../errors/heed-error.ts";
import { withoutQuote } from "../errors/quoted.ts";
import type { Changed } from "./choice-event.ts";
import { recordChoices, type AskedChoice } from "./record-choices.ts";

/** An item of a bulk call, parsed. */
export interface BulkItem extends AskedChoice {
  /** Its place in the source. */
  readonly index: number;
}

/** Why an item could not be recorded. */
export interface Refusal {
  /** The code of the error that the single call would have thrown. */
  readonly because: string;
  /** What that error says to do, in heed's own words. Quotes nothing of the item. */
  readonly message: string;
}

/** Told of each item once it is recorded or refused, and of each group once all of its items are. */
export interface BulkReport {
  recorded(changed: Changed): void;
  refused(index: number, refusal: Refusal): void;
  groupEnded(): void;
}

/** A transaction on its way. `ended` never rejects. */
interface Group {
  readonly items: readonly BulkItem[];
  ended: Promise<void>;
}

/** Choices in one transaction. It holds other callers up for some tens of milliseconds, and shares one commit. */
const groupSize = 200;

/** While the storage writes one group, the next one is sealed here. */
const mostUnderWay = 2;

/**
 * Records items in groups of one transaction each, those of one person in the order in which they were added: an
 * item about somebody who is in a group that is still under way goes with a later group.
 */
export class BulkGroups {
  readonly #context: HeedContext;
  readonly #isDry: boolean;
  readonly #report: BulkReport;
  readonly #underWay = new Set<Group>();
  #waiting: BulkItem[] = [];
  #hasPutOff = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(context: HeedContext, isDry: boolean, report: BulkReport) {
    this.#context = context;
    this.#isDry = isDry;
    this.#report = report;
  }

  /** The first item that is neither recorded nor refused yet. */
  get firstOpen(): number | undefined {
    const open = [...[...this.#underWay].flatMap(({ items }) => items), ...this.#waiting];
    return open.length === 0 ? undefined : Math.min(...open.map(({ index }) => index));
  }

  /** Resolves when there is room for the next item. @throws what the storage threw */
  async add(item: BulkItem): Promise<void> {
    this.#waiting.push(item);
    while (this.#waiting.length >= groupSize) await this.#beginNext();
  }

  /** Begins what waits, or else waits for what is under way. @returns false when nothing is left to do */
  async goOn(): Promise<boolean> {
    if (this.#waiting.length > 0) await this.#beginNext();
    else if (this.#underWay.size > 0) await this.#oneEnded();
    else return false;
    return true;
  }

  /** Begins nothing more, and resolves when nothing is under way. @throws what the storage threw */
  async rest(): Promise<void> {
    await Promise.all([...this.#underWay].map(({ ended }) => ended));
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async #beginNext(): Promise<void> {
    const most = this.#context.storage.serial === true ? 1 : mostUnderWay;
    // What was put off goes alone: beside another group it might be put off for ever.
    while (this.#underWay.size >= (this.#hasPutOff ? 1 : most)) await this.#oneEnded();
    if (this.#failure !== undefined) await this.rest();
    this.#hasPutOff = false;
    const items = this.#waiting.splice(0, groupSize);
    const earlier = [...this.#underWay];
    const group: Group = { items, ended: Promise.resolve() };
    this.#underWay.add(group);
    group.ended = this.#carryOut(group, earlier);
  }

  async #carryOut(group: Group, earlier: readonly Group[]): Promise<void> {
    try {
      const putOff = await this.#record(group.items, earlier);
      this.#underWay.delete(group);
      this.#putBack(putOff);
      this.#report.groupEnded();
    } catch (error) {
      this.#underWay.delete(group);
      this.#failure ??= { error };
    }
  }

  async #oneEnded(): Promise<void> {
    await Promise.race([...this.#underWay].map(({ ended }) => ended));
  }

  #putBack(items: readonly BulkItem[]): void {
    if (items.length === 0) return;
    this.#hasPutOff = true;
    this.#waiting = [...items, ...this.#waiting].toSorted((one, other) => one.index - other.index);
  }

  /** @returns those that must wait for an earlier choice of the same person */
  async #record(items: readonly BulkItem[], earlier: readonly Group[]): Promise<readonly BulkItem[]> {
    const theirs = earlier.flatMap((group) => group.items);
    try {
      return await this.#recordTogether(items, theirs);
    } catch (error) {
      if (refusalIn(error) === undefined) throw error;
    }
    // Whoever began later keeps away from these people; once the others have ended, nobody is in the way.
    await Promise.all(earlier.map(({ ended }) => ended));
    await this.#recordApart(items);
    return [];
  }

  async #recordTogether(
    items: readonly BulkItem[],
    theirs: readonly BulkItem[],
  ): Promise<readonly BulkItem[]> {
    const changes = await recordChoices(this.#context, items, { isDry: this.#isDry, underWay: theirs });
    for (const changed of changes.values()) this.#report.recorded(changed);
    return items.filter((_, place) => !changes.has(place));
  }

  /** Halves the items until the one that is refused stands alone. */
  async #recordApart(items: readonly BulkItem[]): Promise<void> {
    for (let rest = items; rest.length > 0;) {
      try {
        rest = await this.#recordTogether(rest, []);
      } catch (error) {
        const refusal = refusalIn(error);
        if (refusal === undefined) throw error;
        const [first] = rest;
        if (first !== undefined && rest.length === 1) this.#report.refused(first.index, refusal);
        else for (const half of halves(rest)) await this.#recordApart(half);
        return;
      }
    }
  }
}

function halves<T>(items: readonly T[]): readonly (readonly T[])[] {
  const middle = Math.ceil(items.length / 2);
  return [items.slice(0, middle), items.slice(middle)];
}

/** What one item can be refused for. Anything else concerns the storage or the keys, and so every item. */
const refusing: ReadonlySet<string> = new Set([
  "InvalidInputError",
  "ConflictError",
  "TamperedEvidenceError",
]);

/** What an item is refused with, if this error is about the item. */
export function refusalIn(error: unknown): Refusal | undefined {
  if (!isHeedError(error) || !refusing.has(error.name)) return undefined;
  return { because: error.code, message: withoutQuote(error.message) };
}
