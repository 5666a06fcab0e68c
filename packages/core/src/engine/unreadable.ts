import type { HeedContext } from "../context.ts";
import { isHeedError, type HeedError } from "../errors/heed-error.ts";

/** After this long what could not be read is looked at again, and told of again where that is still so. */
const againAfterMs = 60_000;

/** At so many a processor is left alone until then: each look has to name them all. */
const mostSteps = 1_000;

/**
 * What this process cannot read, for its keyring lacks the key that it was written under. Steps among it are left to
 * workers that have the key: they stay due, and no look brings them here again for a while.
 */
export class Unreadable {
  readonly #context: HeedContext;
  readonly #steps = new Map<string, Set<string>>();
  readonly #told = new Set<string>();
  #sinceMs = Number.NEGATIVE_INFINITY;

  constructor(context: HeedContext) {
    this.#context = context;
  }

  /** Leaves steps of one operation at one processor to others. */
  leave(processor: string, operation: string, found: ReadonlyMap<string, HeedError>): void {
    const [error] = found.values();
    if (error === undefined) return;
    this.tell(error, { processor, operation });
    const steps = this.#steps.get(processor) ?? new Set();
    for (const id of found.keys()) steps.add(id);
    this.#steps.set(processor, steps);
  }

  /** Tells of a failure; of a key that is lacking once in a while, however much lies under it. */
  tell(error: unknown, at: { readonly processor?: string; readonly operation?: string } = {}): void {
    if (isHeedError(error) && error.code === "unknown-key") {
      this.#forgetOld();
      const about = JSON.stringify([at.processor, at.operation]);
      if (this.#told.has(about)) return;
      if (this.#told.size === 0) this.#sinceMs = this.#nowMs;
      this.#told.add(about);
    }
    this.#context.hub.emit("work.failed", { error, ...at });
  }

  /** Ids of the steps that are left to others: of one processor, or of all. */
  stepsOf(processor?: string): readonly string[] {
    this.#forgetOld();
    if (processor !== undefined) return [...(this.#steps.get(processor) ?? [])];
    return [...this.#steps.values()].flatMap((steps) => [...steps]);
  }

  /** Processors at which so much is left to others that they are not asked for now. */
  get full(): readonly string[] {
    this.#forgetOld();
    return [...this.#steps].filter(([, { size }]) => size >= mostSteps).map(([processor]) => processor);
  }

  /** RFC 3339: when they are looked at again. */
  get againAt(): string {
    return new Date(this.#sinceMs + againAfterMs).toISOString();
  }

  get #nowMs(): number {
    return this.#context.clock.now().getTime();
  }

  #forgetOld(): void {
    if (this.#nowMs >= this.#sinceMs && this.#nowMs < this.#sinceMs + againAfterMs) return;
    this.#steps.clear();
    this.#told.clear();
  }
}
