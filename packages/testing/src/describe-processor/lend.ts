import type { CallContext } from "@heed/core/contract";
import type { Scene } from "./processor-case.ts";

/** A context that grants every turn at once, and counts them. */
export interface Lent extends CallContext {
  readonly turns: number;
}

/** How something else is lent than a signal that never aborts and every turn that is asked for. */
interface Terms {
  readonly signal?: AbortSignal;
  /** This turn, counted from 1, and all that follow are refused, as when the lease is lost. */
  readonly refusesFrom?: number;
}

/** Lends what the engine lends. */
export function lend({ processor }: Pick<Scene, "processor">, terms: Terms = {}): Lent {
  const { signal = new AbortController().signal, refusesFrom = Number.POSITIVE_INFINITY } = terms;
  let turns = 0;
  let asked = 0;
  return {
    signal,
    now: () => new Date(),
    get turns() {
      return turns;
    },
    async turn(...buckets) {
      signal.throwIfAborted();
      const unknown = buckets.filter((bucket) => !(bucket in processor.limits));
      if (buckets.length === 0 || unknown.length > 0)
        throw new TypeError(`A turn was asked of ${unknown.join(", ") || "no bucket"}: see \`limits\`.`);
      asked += 1;
      if (asked >= refusesFrom) throw new Error("The lease is lost.");
      turns += 1;
    },
  };
}
