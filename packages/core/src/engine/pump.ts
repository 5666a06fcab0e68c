import type { HeedContext } from "../context.ts";
import type { ProcessorV1 } from "../contract/processor.ts";
import type { DueAsk, DueStep } from "../contract/storage.ts";
import { Bell } from "./bell.ts";
import { Begun } from "./begun.ts";
import { BatchRun, type RunSettings } from "./batch-run.ts";
import { operationOf } from "./operation-of.ts";
import { isDaily } from "./pace.ts";
import type { Unreadable } from "./unreadable.ts";

/** How much is in hand at a time. */
export interface PumpSettings extends RunSettings {
  /** Batches in hand at one processor. Default 4. */
  readonly batchesPerProcessor: number;
  /**
   * How long a running worker sleeps before it looks for steps that other processes planned, unless the storage or
   * this process wakes it, and before it goes on at a processor where its own storage failed, in milliseconds.
   * Default 500.
   */
  readonly pollMs: number;
}

/** What is in hand at one processor. */
interface Hand {
  /** Each with the lane of its most urgent step. */
  readonly batches: Map<Promise<void>, number>;
  /** Nothing more was due when it was last asked for. */
  isDry: boolean;
  /** Nothing urgent was. */
  isCalm: boolean;
  /** When a batch of it could not be kept, in milliseconds since 1970. */
  failedAtMs: number;
}

/** The lane of what one person asked for. Below it is what can wait: bulk, and opt-ins. */
const urgentLane = 1;

/** Most steps of recipients without a processor that are ended at a time. */
const mostStrangers = 100;

/**
 * Takes from delivery what there is room for, and begins all of it at once.
 *
 * Delivery may lend what it tells of, so each processor is asked for separately, and for no more than its free
 * batches hold. Where all of them are taken by what can wait, one more is begun for what is urgent: at the vendor's
 * limit its calls go first, so it never waits behind a batch, however large that is and however much else is due.
 */
export class Pump {
  /** Rings when there may be something to do, or something in hand has ended. */
  readonly bell: Bell = new Bell();
  readonly #context: HeedContext;
  readonly #settings: PumpSettings;
  readonly #run: BatchRun;
  readonly #unreadable: Unreadable;
  readonly #hands = new Map<string, Hand>();
  readonly #inHand = new Set<string>();
  readonly #begun = new Begun();

  constructor(context: HeedContext, settings: PumpSettings, unreadable: Unreadable) {
    this.#context = context;
    this.#settings = settings;
    this.#unreadable = unreadable;
    this.#run = new BatchRun(context, settings, unreadable);
  }

  /** All batches that are in hand now. */
  get inHand(): readonly Promise<void>[] {
    return [...this.#hands.values()].flatMap(({ batches }) => [...batches.keys()]);
  }

  /** Asks for every processor again, also for those whose last batch could not be kept. */
  startOver(): void {
    for (const hand of this.#hands.values()) hand.failedAtMs = Number.NEGATIVE_INFINITY;
    this.refresh();
  }

  /** Steps may have become due: every processor is asked for again. */
  refresh(): void {
    for (const hand of this.#hands.values()) {
      hand.isDry = false;
      hand.isCalm = false;
    }
    this.bell.ring();
  }

  /** Starts as many batches of due steps as there is room for, and says how many. */
  async startDue(stop: AbortSignal, onFailure: (error: unknown) => void): Promise<number> {
    let started = 0;
    for (const [id, processor] of Object.entries(this.#context.processors)) {
      const hand = this.#handOf(id);
      if (this.#rests(hand)) continue;
      if (this.#unreadable.full.includes(id)) {
        hand.isDry = true;
        continue;
      }
      started += this.#goOn(id, processor, stop, onFailure);
      const room = hand.isDry ? 0 : this.#roomAt(id, processor);
      if (room === 0) {
        started += await this.#startUrgent(id, processor, stop, onFailure);
        continue;
      }
      if (this.#run.isBlocked(id)) {
        hand.isDry = true;
        await this.#run.endOverdue(id);
        continue;
      }
      const max = room * largestBatch(processor);
      // Before the look: what ends or comes during it must be looked for again.
      hand.isDry = true;
      const due = await this.#due({ processor: id, max });
      if (due.length >= max) hand.isDry = false;
      started += this.#begin(due, stop, onFailure);
    }
    return started;
  }

  /** Begins what this worker goes on with, before anything that is new. */
  #goOn(id: string, processor: ProcessorV1, stop: AbortSignal, onFailure: (error: unknown) => void): number {
    const room = this.#roomAt(id, processor);
    if (room === 0 || this.#run.isBlocked(id)) return 0;
    const now = this.#context.clock.now().toISOString();
    return this.#begin(this.#begun.take(id, now, room * largestBatch(processor)), stop, onFailure);
  }

  /** Begins a batch beside the others when they are all of what can wait. */
  async #startUrgent(
    id: string,
    processor: ProcessorV1,
    stop: AbortSignal,
    onFailure: (error: unknown) => void,
  ): Promise<number> {
    const hand = this.#handOf(id);
    const mostUrgent = Math.min(...hand.batches.values());
    const isFull = !hand.isDry && hand.batches.size > 0;
    if (!isFull || hand.isCalm || mostUrgent === 0 || this.#run.isProbing(id)) return 0;
    hand.isCalm = true;
    // An opt-out goes beside an erasure, too.
    const mostLane = Math.min(urgentLane, mostUrgent - 1);
    const due = await this.#due({ processor: id, mostLane, max: largestBatch(processor) });
    return this.#begin(due, stop, onFailure);
  }

  /** Begins steps of recipients that have no processor any more: they go to a human. */
  async startStrangers(stop: AbortSignal, onFailure: (error: unknown) => void): Promise<number> {
    const except = [...Object.keys(this.#context.processors), ...this.#unreadable.full];
    return this.#begin(await this.#due({ except, max: mostStrangers }), stop, onFailure);
  }

  async #due(ask: Pick<DueAsk, "max" | "processor" | "mostLane" | "except">): Promise<readonly DueStep[]> {
    const { storage, clock, namespace } = this.#context;
    const exceptSteps = this.#unreadable.stepsOf(ask.processor);
    const now = clock.now().toISOString();
    return storage.due({ namespace, now, ...ask, ...(exceptSteps.length === 0 ? {} : { exceptSteps }) });
  }

  #handOf(id: string): Hand {
    const hand = this.#hands.get(id) ?? {
      batches: new Map(),
      isDry: false,
      isCalm: false,
      failedAtMs: Number.NEGATIVE_INFINITY,
    };
    this.#hands.set(id, hand);
    return hand;
  }

  /** What failed at once would otherwise be begun again at once. A clock that was put back ends it. */
  #rests({ failedAtMs }: Hand): boolean {
    const nowMs = this.#context.clock.now().getTime();
    return nowMs >= failedAtMs && nowMs < failedAtMs + this.#settings.pollMs;
  }

  /** How many batches more there is room for. */
  #roomAt(id: string, processor: ProcessorV1): number {
    const { batches } = this.#handOf(id);
    const most = this.#run.isProbing(id)
      ? 1
      : Math.min(this.#settings.batchesPerProcessor, batchesPerSecond(processor));
    return Math.max(0, most - batches.size);
  }

  #begin(due: readonly DueStep[], stop: AbortSignal, onFailure: (error: unknown) => void): number {
    const groups = Map.groupBy(
      due.filter((step) => !this.#inHand.has(step.id)),
      (step) => (step.alone ? step.id : `${step.processor}/${step.operation}/${step.phase}`),
    );
    let started = 0;
    for (const steps of groups.values()) {
      const [first] = steps;
      if (first === undefined) continue;
      const size = operationOf(this.#context.processors[first.processor], first.operation)?.batchSize ?? 1;
      for (let at = 0; at < steps.length; at += size) {
        this.#beginBatch(first.processor, steps.slice(at, at + size), stop, onFailure);
        started += 1;
      }
    }
    return started;
  }

  #beginBatch(
    id: string,
    steps: readonly DueStep[],
    stop: AbortSignal,
    onFailure: (error: unknown) => void,
  ): void {
    const hand = this.#handOf(id);
    for (const step of steps) {
      this.#inHand.add(step.id);
      this.#begun.forget(step);
    }
    const batch: Promise<void> = this.#run
      // Until then, delivery that does not lend tells of them again, and they hide what is due behind them.
      .carryOut(id, steps, stop, () => this.bell.ring())
      .then((settled) => this.#begun.note(id, settled))
      .catch((error: unknown) => {
        hand.failedAtMs = this.#context.clock.now().getTime();
        onFailure(error);
      })
      .finally(() => {
        hand.batches.delete(batch);
        for (const step of steps) this.#inHand.delete(step.id);
        // What ended may have released steps anywhere.
        this.refresh();
      });
    hand.batches.set(batch, Math.min(...steps.map(({ lane }) => lane)));
  }
}

function largestBatch({ operations }: ProcessorV1): number {
  return Math.max(1, ...Object.values(operations).map((operation) => operation?.batchSize ?? 1));
}

/** A longer window is a quota, not a pace. */
const longestPaceMs = 60_000;

/** How many batches, of one call each at least, the tightest limit lets through in a second; one at least. */
function batchesPerSecond({ limits }: ProcessorV1): number {
  const paces = Object.values(limits).flatMap((limit) =>
    isDaily(limit) || limit.perMs > longestPaceMs ? [] : [(limit.calls * 1000) / limit.perMs],
  );
  return Math.max(1, Math.floor(Math.min(...paces)));
}
