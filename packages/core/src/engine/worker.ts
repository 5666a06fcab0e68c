import type { HeedContext } from "../context.ts";
import type { DueStep } from "../contract/storage.ts";
import { AccountChecks } from "./account-check.ts";
import { carryOut, settleClaims, type BatchSettings } from "./batch.ts";
import { claim, operationOf, type Claim } from "./claim.ts";
import { expireUnverified } from "../requests/change-request.ts";
import type { Sealer } from "../evidence/sealer.ts";
import { applyParked } from "./parked.ts";

/** How a worker works. */
export interface WorkSettings extends BatchSettings {
  /** Batches in hand at one processor. Default 4. */
  readonly batchesPerProcessor: number;
  /** How long a running worker sleeps before it looks for steps that other processes planned, in milliseconds. */
  readonly pollMs: number;
}

export const workDefaults: WorkSettings = {
  leaseMs: 60_000,
  callTimeoutMs: 60_000,
  batchesPerProcessor: 4,
  pollMs: 500,
};

/** What `drain` left behind. */
export interface Drained {
  /** Steps that ended. */
  readonly settled: number;
  /** Steps that are still open. Counted up to 1000: that many means as many or more. */
  readonly open: number;
  /** RFC 3339: when the next open step is due. */
  readonly nextAt?: string;
}

const mostCounted = 1000;

/** Carries steps out: finds what is due, leases it in batches, asks the processor, settles. */
export class Worker {
  readonly #context: HeedContext;
  readonly #settings: WorkSettings;
  readonly #checks: AccountChecks;
  readonly #sealer: Sealer | undefined;
  readonly #active = new Map<string, Set<Promise<void>>>();
  readonly #inHand = new Set<string>();
  #loop: { stop: AbortController; done: Promise<void> } | undefined;
  #hasScrubbed = false;

  /** @param sealer seals the evidence of what is done; without it, nothing is sealed */
  constructor(context: HeedContext, settings: WorkSettings, sealer?: Sealer) {
    this.#context = context;
    this.#settings = settings;
    this.#sealer = sealer;
    this.#checks = new AccountChecks(context, settings);
  }

  /** Works until nothing is due any more, or the budget is used up. */
  async drain(limit: { readonly budgetMs?: number } = {}): Promise<Drained> {
    const { clock, hub } = this.#context;
    const until =
      limit.budgetMs === undefined ? Number.POSITIVE_INFINITY : clock.now().getTime() + limit.budgetMs;
    const failures: unknown[] = [];
    let settled = 0;
    const stops = [
      hub.on("step.settled", ({ ended }) => {
        if (ended) settled += 1;
      }),
    ];
    try {
      await this.#scrubOnce();
      for (;;) {
        const started =
          failures.length === 0 && clock.now().getTime() < until
            ? await this.#startDue((error) => failures.push(error))
            : 0;
        const active = this.#activeNow();
        if (failures.length > 0 && active.length === 0) throw failures[0];
        if (active.length > 0) await Promise.race(active);
        else if (started === 0 && (await this.#tidyUp()) === 0) break;
      }
      if (clock.now().getTime() < until) await this.#sealer?.round();
      return { settled, ...(await this.#left()) };
    } finally {
      for (const stop of stops) stop();
    }
  }

  /** Works until {@link stop}. Failures outside a step are told as `work.failed`, and it goes on. */
  start(): void {
    if (this.#loop !== undefined) return;
    const stop = new AbortController();
    this.#loop = { stop, done: this.#run(stop.signal) };
  }

  /** Takes nothing new and resolves when what is in hand has ended. */
  async stop(): Promise<void> {
    const loop = this.#loop;
    if (loop === undefined) return;
    loop.stop.abort();
    await loop.done;
    this.#loop = undefined;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, hub } = this.#context;
    const tell = (error: unknown) => hub.emit("work.failed", { error });
    while (!signal.aborted) {
      let started = 0;
      try {
        await this.#scrubOnce();
        started = await this.#startDue(tell);
        if (started === 0) await this.#tidyUp();
        this.#sealer?.seek();
      } catch (error) {
        tell(error);
      }
      if (started > 0) continue;
      const rested = new AbortController();
      const rest = clock
        .sleep(this.#settings.pollMs, AbortSignal.any([signal, rested.signal]))
        .catch(() => {});
      await Promise.race([rest, ...this.#activeNow()]);
      rested.abort();
    }
    await Promise.allSettled(this.#activeNow());
    await this.#sealer?.rest();
  }

  /** What is due beside steps, when no step is. */
  async #tidyUp(): Promise<number> {
    if ((await this.#context.journaled?.isHeld()) === true) return 0;
    return (await applyParked(this.#context)) + (await expireUnverified(this.#context));
  }

  #activeNow(): readonly Promise<void>[] {
    return [...this.#active.values()].flatMap((set) => [...set]);
  }

  /** A key that an earlier run removed may have left bytes behind when the process died. */
  async #scrubOnce(): Promise<void> {
    if (this.#hasScrubbed) return;
    this.#hasScrubbed = true;
    await this.#context.storage.scrub();
  }

  /** Starts as many batches of due steps as there is room for, and says how many. */
  async #startDue(onFailure: (error: unknown) => void): Promise<number> {
    let started = 0;
    for (;;) {
      const more = await this.#startSome(onFailure);
      started += more;
      // What is due at a processor that has become full may have hidden what is due at the others.
      if (more === 0) return started;
    }
  }

  async #startSome(onFailure: (error: unknown) => void): Promise<number> {
    const { storage, clock, namespace } = this.#context;
    const max = 200 + this.#inHand.size;
    const except = [...this.#active.keys()].filter((processor) => !this.#hasRoom(processor));
    const due = await storage.due({ namespace, now: clock.now().toISOString(), max, except });
    const groups = Map.groupBy(
      due.filter((step) => !this.#inHand.has(step.id)),
      (step) => (step.alone ? step.id : `${step.processor}/${step.operation}/${step.phase}`),
    );
    let started = 0;
    for (const steps of groups.values()) {
      const [first] = steps;
      if (first === undefined) continue;
      const size = operationOf(this.#context.processors[first.processor], first.operation)?.batchSize ?? 1;
      for (let at = 0; at < steps.length && this.#hasRoom(first.processor); at += size) {
        this.#startBatch(first.processor, steps.slice(at, at + size), onFailure);
        started += 1;
      }
    }
    return started;
  }

  #hasRoom(processor: string): boolean {
    return (this.#active.get(processor)?.size ?? 0) < this.#settings.batchesPerProcessor;
  }

  #startBatch(processor: string, steps: readonly DueStep[], onFailure: (error: unknown) => void): void {
    for (const step of steps) this.#inHand.add(step.id);
    const set = this.#active.get(processor) ?? new Set();
    this.#active.set(processor, set);
    const batch: Promise<void> = this.#batch(processor, steps)
      .catch(onFailure)
      .finally(() => {
        set.delete(batch);
        for (const step of steps) this.#inHand.delete(step.id);
      });
    set.add(batch);
  }

  async #batch(id: string, steps: readonly DueStep[]): Promise<void> {
    const context = this.#context;
    const { leaseMs } = this.#settings;
    const operationName = steps[0]?.operation;
    const processor = context.processors[id];
    const operation = operationOf(processor, operationName ?? "");
    const account =
      processor === undefined || operation === undefined
        ? ({ proven: false, because: "no-such-operation", retryInMs: 0 } as const)
        : await this.#checks.prove(id, processor);
    const lacking = account.proven
      ? account.checked.lacks.find((each) => each.operation === operationName)
      : undefined;
    const claims = await claim(context, {
      steps,
      leaseMs,
      unknownTopics: account.proven ? account.checked.unknownTopics : [],
      willRun: account.proven && lacking === undefined,
    });
    if (claims.length === 0 || processor === undefined || operation === undefined) return;
    if (!account.proven) {
      const { because, retryInMs } = account;
      return settleClaims(context, claims, () => ({
        to: "again",
        dueInMs: retryInMs,
        because,
        counts: true,
      }));
    }
    if (lacking !== undefined) {
      const instruction = `"${id}" cannot do this: ${lacking.needs} is missing. Grant it and retry the step, or do it by hand.`;
      return settleClaims(context, claims, () => ({
        to: "end",
        state: "manual",
        because: "capability-missing",
        instruction,
      }));
    }
    // A claim may have been sent to look first, so one batch can hold two phases.
    const phases = Map.groupBy(claims, (each: Claim) => each.phase);
    for (const group of phases.values()) {
      const isAccepted = await carryOut({ context, processor, operation, settings: this.#settings }, group);
      if (!isAccepted) this.#checks.forget(id);
    }
  }

  async #left(): Promise<{ open: number; nextAt?: string }> {
    const { storage, clock, namespace } = this.#context;
    return storage.transact({
      lock: [],
      clock,
      read: {
        open: {
          from: "steps",
          where: { namespace, state: ["waiting", "due", "running"] },
          limit: mostCounted,
        },
        due: { from: "steps", where: { namespace, state: "due" }, orderBy: ["dueAt"], limit: 1 },
        leased: { from: "steps", where: { namespace, state: "running" }, orderBy: ["leaseUntil"], limit: 1 },
      },
      decide: ({ open, due, leased }) => {
        const [nextAt] = [due[0]?.dueAt, leased[0]?.leaseUntil]
          .filter((at) => typeof at === "string")
          .toSorted();
        return { writes: [], answer: { open: open.length, ...(nextAt === undefined ? {} : { nextAt }) } };
      },
    });
  }
}
