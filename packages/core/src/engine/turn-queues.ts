import type { Observed } from "../contract/processor.ts";
import {
  keyOf,
  observe,
  pushBack,
  remainingEnough,
  type Bucket,
  type Limiting,
  type TurnsFor,
} from "./limiter.ts";
import { knownForMs, TurnQueue, type TurnAnswer } from "./turn-queue.ts";

/** One call's wait for its turn. */
export interface TurnAsk extends TurnsFor {
  /** The longest wait, in milliseconds: a turn that is further away is not waited for. */
  readonly mostMs: number;
  readonly signal: AbortSignal;
}

/** The turns that this process waits for: one queue for each lane of each set of buckets. */
export class TurnQueues {
  readonly #limiting: Limiting;
  readonly #queues = new Map<string, TurnQueue>();
  readonly #observedAtMs = new Map<string, number>();

  constructor(limiting: Limiting) {
    this.#limiting = limiting;
  }

  /** Waits for leave to make one call. The buckets may come in any order, and more than once. */
  async wait({ buckets, lane, mostMs, signal }: TurnAsk): Promise<TurnAnswer> {
    signal.throwIfAborted();
    const asked = [...new Map(buckets.map((bucket) => [keyOf(bucket), bucket])).values()];
    const names = asked.map(keyOf).toSorted();
    const key = JSON.stringify([lane, names]);
    const queue = this.#queues.get(key) ?? new TurnQueue(this.#limiting, { buckets: asked, lane });
    this.#queues.set(key, queue);
    return queue.wait(mostMs, signal);
  }

  /**
   * The vendor asked to slow down: nobody gets a turn of these buckets until then. In this process that holds at
   * once, in every other after at most 200 ms, as none uses a slot on older knowledge.
   */
  async pushBack(buckets: readonly Bucket[], delayMs: number): Promise<void> {
    await pushBack(this.#limiting, buckets, delayMs);
    for (const queue of this.#queues.values()) queue.lookAgain(buckets);
  }

  /** The vendor said how much is left. Most answers change nothing, and cost nothing. */
  async observed(bucket: Bucket, seen: Observed): Promise<void> {
    if (!(seen.remaining < remainingEnough(bucket.limit))) return;
    const key = keyOf(bucket);
    const nowMs = this.#limiting.clock.now().getTime();
    const sinceMs = nowMs - (this.#observedAtMs.get(key) ?? Number.NEGATIVE_INFINITY);
    if (seen.remaining > 0 && sinceMs >= 0 && sinceMs < knownForMs) return;
    this.#observedAtMs.set(key, nowMs);
    await observe(this.#limiting, bucket, seen);
  }
}
