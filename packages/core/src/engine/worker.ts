import type { HeedContext } from "../context.ts";
import type { Sealer } from "../evidence/sealer.ts";
import { InvalidInputError } from "../errors/invalid-input-error.ts";
import { onlyKeys } from "../only-keys.ts";
import { forgetExpired } from "../invitations/forget-expired.ts";
import { Farewells } from "../farewell/farewells.ts";
import { expireUnverified } from "../requests/change-request.ts";
import { applyParked } from "./parked.ts";
import { Pump, type PumpSettings } from "./pump.ts";
import { whatIsLeft, type Left } from "./left.ts";
import { Unreadable } from "./unreadable.ts";

/** How a worker works. */
export interface WorkSettings extends PumpSettings {
  /**
   * How long an idle worker waits, once it is woken, for more that can travel in the same batch, in milliseconds.
   * Default 20. Only a running worker does, and never while something is in hand: what is due then waits for room
   * anyway. `drain` does not linger.
   */
  readonly lingerMs: number;
  /**
   * How long what is in hand goes on after `stop`, or after the budget of a `drain`, in milliseconds. After that no
   * answer is waited for: what had not begun is given back, what had is read back by the next worker. Default 30,000.
   */
  readonly graceMs: number;
}

export const workDefaults: Readonly<Record<keyof WorkSettings, number>> = {
  leaseMs: 15_000,
  callTimeoutMs: 60_000,
  batchesPerProcessor: 4,
  breakerAfter: 5,
  pollMs: 500,
  lingerMs: 20,
  graceMs: 30_000,
};

/** The least that each setting can be: below it, nothing would ever be carried out, or nothing else would run. */
const least: { readonly [S in keyof WorkSettings]: number } = {
  leaseMs: 1,
  callTimeoutMs: 1,
  batchesPerProcessor: 1,
  breakerAfter: 1,
  pollMs: 1,
  lingerMs: 0,
  graceMs: 0,
};

/** The settings, with defaults for those that are left out. @throws InvalidInputError */
export function workSettings(given: Partial<WorkSettings> = {}): WorkSettings {
  const settings = { ...workDefaults };
  for (const [name, value] of Object.entries(onlyKeys(given, "createHeed's work", least))) {
    const setting = name as keyof WorkSettings;
    if (value === undefined) continue;
    if (!(Number.isSafeInteger(value) && value >= least[setting])) {
      throw new InvalidInputError(`\`work.${name}\` is a whole number, ${least[setting]} or more.`, {
        issues: [{ path: `work.${name}`, message: "no such number" }],
      });
    }
    settings[setting] = value;
  }
  return settings;
}

/** What `drain` left behind. */
export interface Drained extends Left {
  /** Steps that ended. */
  readonly settled: number;
}

/** What is due beside steps is looked for this often at most, in milliseconds. */
const tidyEveryMs = 5_000;

interface Loop {
  /** Takes nothing new. */
  readonly stop: AbortController;
  /** Waits for no answer any longer. */
  readonly giveUp: AbortController;
  readonly done: Promise<void>;
}

/** Carries steps out: finds what is due, leases it in batches, asks the processor, settles. */
export class Worker {
  readonly #context: HeedContext;
  readonly #settings: WorkSettings;
  readonly #sealer: Sealer | undefined;
  readonly #pump: Pump;
  readonly #unreadable: Unreadable;
  readonly #farewells: Farewells;
  #loop: Loop | undefined;
  #hasScrubbed = false;
  #tidiedAtMs = Number.NEGATIVE_INFINITY;

  /** @param sealer seals the evidence of what is done; without it, nothing is sealed */
  constructor(context: HeedContext, settings: WorkSettings, sealer?: Sealer) {
    this.#context = context;
    this.#settings = settings;
    this.#sealer = sealer;
    this.#unreadable = new Unreadable(context);
    this.#pump = new Pump(context, settings, this.#unreadable);
    this.#farewells = new Farewells(
      context,
      () => {
        this.#tidyAgain();
        this.#pump.bell.ring();
      },
      (error) => this.#unreadable.tell(error),
    );
  }

  /** Works until nothing is due any more, or the budget is used up: what is in hand then goes on for the grace. */
  async drain(limit: { readonly budgetMs?: number } = {}): Promise<Drained> {
    const { clock } = this.#context;
    const until =
      limit.budgetMs === undefined ? Number.POSITIVE_INFINITY : clock.now().getTime() + limit.budgetMs;
    const giveUp = new AbortController();
    const over = new AbortController();
    if (Number.isFinite(until)) void this.#giveUpIn(limit.budgetMs ?? 0, giveUp, over.signal);
    const failures: unknown[] = [];
    const fail = (error: unknown): void => void failures.push(error);
    const ended = this.#countEnded();
    const unwatch = this.#watchOwn();
    try {
      await this.#scrubOnce();
      // A budget may never reach the end of the backlog.
      await this.#tidyUpSometimes(giveUp.signal, fail);
      this.#pump.startOver();
      for (;;) {
        const { next, rings } = this.#pump.bell;
        const goesOn = failures.length === 0 && clock.now().getTime() < until;
        const started = goesOn ? await this.#pump.startDue(giveUp.signal, fail) : 0;
        const isBusy = this.#inHand.length > 0;
        if (failures.length > 0 && !isBusy) throw failures[0];
        if (started > 0) continue;
        if (isBusy) await next;
        else if (
          !goesOn ||
          ((await this.#tidyUp(giveUp.signal, fail)) === 0 && this.#pump.bell.rings === rings)
        )
          break;
      }
      if (clock.now().getTime() < until) await this.#sealer?.round();
      return { settled: ended.count, ...(await whatIsLeft(this.#context, this.#unreadable)) };
    } finally {
      over.abort();
      ended.stop();
      unwatch();
    }
  }

  /**
   * Works until {@link stop}, or until the signal aborts. Failures outside a step are told as `work.failed`, and
   * it goes on.
   * @throws TypeError while it is being stopped
   */
  start({ signal }: { readonly signal?: AbortSignal } = {}): void {
    if (signal?.aborted === true) return;
    if (this.#loop?.stop.signal.aborted === true)
      throw new TypeError("The worker is being stopped: await work.stop() before work.start().");
    if (this.#loop !== undefined) return;
    const stop = new AbortController();
    const giveUp = new AbortController();
    const onAbort = (): void => void this.stop();
    signal?.addEventListener("abort", onAbort, { once: true });
    const done = this.#run(stop.signal, giveUp.signal).finally(() =>
      signal?.removeEventListener("abort", onAbort),
    );
    this.#loop = { stop, giveUp, done };
  }

  /** Takes nothing new, and resolves when what is in hand has ended, or has been given back after `graceMs`. */
  async stop(): Promise<void> {
    const loop = this.#loop;
    if (loop === undefined) return;
    loop.stop.abort();
    const over = new AbortController();
    const grace = this.#giveUpIn(0, loop.giveUp, over.signal);
    await loop.done;
    over.abort();
    await grace;
    if (this.#loop === loop) this.#loop = undefined;
  }

  /** Nothing new is taken in so many milliseconds: what is in hand then is waited for as long as the grace lasts. */
  #giveUpIn(ms: number, giveUp: AbortController, unless: AbortSignal): Promise<void> {
    return this.#context.clock.sleep(ms + this.#settings.graceMs, unless).then(
      () => giveUp.abort(),
      () => {},
    );
  }

  async #run(stop: AbortSignal, giveUp: AbortSignal): Promise<void> {
    const { clock, hub, storage } = this.#context;
    const { pollMs, lingerMs } = this.#settings;
    const pump = this.#pump;
    const tell = (error: unknown) => hub.emit("work.failed", { error });
    const sleep = (ms: number) => clock.sleep(ms, stop).catch(() => {});
    const unwatch = [this.#watchOwn(), storage.watch?.(() => pump.refresh())];
    stop.addEventListener("abort", () => pump.bell.ring(), { once: true });
    pump.startOver();
    while (!stop.aborted) {
      const { next } = pump.bell;
      let started = 0;
      try {
        await this.#scrubOnce();
        started = await pump.startDue(giveUp, tell);
        // Also while a bulk keeps it busy for hours.
        started += await this.#tidyUpSometimes(giveUp, tell);
        this.#sealer?.seek();
      } catch (error) {
        tell(error);
      }
      if (started > 0) continue;
      const isIdle = this.#inHand.length === 0;
      const isWoken = await this.#rest(next, pollMs, stop);
      if (!isWoken) pump.refresh();
      else if (isIdle) await sleep(lingerMs);
    }
    for (const end of unwatch) end?.();
    await Promise.allSettled(this.#inHand);
    await this.#sealer?.rest();
  }

  /** @returns false when the time was up before the bell rang */
  async #rest(next: Promise<void>, ms: number, stop: AbortSignal): Promise<boolean> {
    const rested = new AbortController();
    const slept = this.#context.clock.sleep(ms, AbortSignal.any([stop, rested.signal])).then(
      () => false,
      () => true,
    );
    const isWoken = await Promise.race([slept, next.then(() => true)]);
    rested.abort();
    return isWoken;
  }

  /** What is due beside the steps of its processors. */
  async #tidyUp(stop: AbortSignal, onFailure: (error: unknown) => void): Promise<number> {
    if ((await this.#context.journaled?.isHeld()) === true) return 0;
    const parked = await applyParked(this.#context, (error) => this.#unreadable.tell(error));
    const expired = (await expireUnverified(this.#context)) + (await forgetExpired(this.#context));
    const started = await this.#pump.startStrangers(stop, onFailure);
    // Nobody waits for those, and they wait for nobody.
    return parked + expired + started + (await this.#farewells.startDue(stop, onFailure));
  }

  /** What is due beside steps may have changed. */
  #tidyAgain(): void {
    this.#tidiedAtMs = Number.NEGATIVE_INFINITY;
  }

  /** All that is being carried out now. */
  get #inHand(): readonly Promise<void>[] {
    return [...this.#pump.inHand, ...this.#farewells.inHand];
  }

  async #tidyUpSometimes(stop: AbortSignal, onFailure: (error: unknown) => void): Promise<number> {
    const nowMs = this.#context.clock.now().getTime();
    if (nowMs >= this.#tidiedAtMs && nowMs < this.#tidiedAtMs + tidyEveryMs) return 0;
    this.#tidiedAtMs = nowMs;
    return this.#tidyUp(stop, onFailure);
  }

  /** What this process writes wakes its own worker. */
  #watchOwn(): () => void {
    const { hub } = this.#context;
    const refresh = () => this.#pump.refresh();
    const stops = [
      hub.on("choice.recorded", ({ steps }) => {
        if (steps.length > 0) refresh();
      }),
      hub.on("request.opened", refresh),
      hub.on("hold.released", refresh),
      hub.on("webhook.received", refresh),
      hub.on("request.changed", () => {
        // A closed request may free a parked opt-in, and whoever was erased is told so.
        this.#tidyAgain();
        refresh();
      }),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }

  #countEnded(): { readonly count: number; readonly stop: () => void } {
    let count = 0;
    const stop = this.#context.hub.on("step.settled", ({ ended }) => {
      if (ended) count += 1;
    });
    return {
      get count() {
        return count;
      },
      stop,
    };
  }

  /** A key that an earlier run removed may have left bytes behind when the process died. */
  async #scrubOnce(): Promise<void> {
    if (this.#hasScrubbed) return;
    this.#hasScrubbed = true;
    await this.#context.storage.scrub();
  }
}
