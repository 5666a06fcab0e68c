import {
  giveBack,
  keyOf,
  take,
  type Bucket,
  type Limiting,
  type Slot,
  type Taken,
  type TurnsFor,
} from "./limiter.ts";
import { isDaily, paceOf, usableForMs } from "./pace.ts";

/** How old what a process knows of a bucket may be when it uses a slot, in milliseconds. */
export const knownForMs = 200;
/** How long before a slot its process looks again, so that it is not late for it, in milliseconds. */
const looksBeforeMs = 20;
/** How often in a row a process may come too late for a slot before it counts as too slow to keep the limit. */
const mostTimesLate = 5;

/** What became of the wait for a turn: it has come, it is too far away, or this process is too slow for turns. */
export type TurnAnswer = "granted" | "too-slow" | { readonly nextInMs: number };

interface Waiter {
  readonly askedAtMs: number;
  readonly mostMs: number;
  readonly resolve: (answer: TurnAnswer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Those who wait for one kind of turn, first come, first served. Slots are reserved in chunks, as many as there
 * are waiting, and each is used at its moment: not before, not much later, and not on old knowledge.
 */
export class TurnQueue {
  readonly #limiting: Limiting;
  readonly #turnsFor: TurnsFor;
  readonly #usableForMs: number;
  readonly #intervalMs: number;
  #waiting: readonly Waiter[] = [];
  #slots: readonly Slot[] = [];
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #next: Taken["next"];
  #wasLate = 0;
  #isServing = false;
  #rest = new AbortController();

  constructor(limiting: Limiting, turnsFor: TurnsFor) {
    const limits = turnsFor.buckets.map(({ limit }) => limit);
    this.#limiting = limiting;
    this.#turnsFor = turnsFor;
    this.#usableForMs = usableForMs(limits);
    this.#intervalMs = Math.max(
      ...limits.map((limit) => (isDaily(limit) ? 0 : paceOf(limit).intervalMicros / 1000)),
    );
  }

  wait(mostMs: number, signal: AbortSignal): Promise<TurnAnswer> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#leaving([waiter]);
        reject(signal.reason as Error);
      };
      const waiter: Waiter = {
        askedAtMs: this.#nowMs(),
        mostMs,
        resolve: (answer) => {
          signal.removeEventListener("abort", leave);
          resolve(answer);
        },
        reject: (error) => {
          signal.removeEventListener("abort", leave);
          reject(error);
        },
      };
      signal.addEventListener("abort", leave, { once: true });
      this.#waiting = [...this.#waiting, waiter];
      // Nobody waits for the next look to hear that the turn is too far away.
      if (this.#isServing) this.#refuseTheFar();
      else void this.#serve();
    });
  }

  /** What is known of these buckets has changed. */
  lookAgain(buckets: readonly Bucket[]): void {
    const changed = new Set(buckets.map(keyOf));
    if (!this.#turnsFor.buckets.some((bucket) => changed.has(keyOf(bucket)))) return;
    this.#lookedAtMs = Number.NEGATIVE_INFINITY;
    this.#rest.abort();
  }

  async #serve(): Promise<void> {
    this.#isServing = true;
    // What was heard by those before may be long ago.
    this.#next = undefined;
    while (this.#waiting.length > 0) {
      try {
        await this.#serveNext();
      } catch (error) {
        for (const waiter of this.#leaving(this.#waiting)) waiter.reject(error);
      }
      if (this.#waiting.length === 0 && this.#slots.length > 0) await this.#giveBack();
    }
    this.#isServing = false;
  }

  async #serveNext(): Promise<void> {
    const nowMs = this.#nowMs();
    if (nowMs < this.#lookedAtMs) this.#forget();
    const [slot] = this.#slots;
    const isShort = this.#slots.length <= 1 && this.#slots.length < this.#waiting.length;
    if (isShort && nowMs >= (this.#next?.askAgainMs ?? 0)) return this.#look();
    const atMs = slot?.atMs ?? this.#next?.askAgainMs ?? nowMs;
    if (slot !== undefined && atMs > this.#lookedAtMs + knownForMs) {
      if (!(await this.#restUntil(atMs - looksBeforeMs))) return;
      return this.#look();
    }
    if (!(await this.#restUntil(atMs)) || slot === undefined) return;
    const lateMs = this.#nowMs() - atMs;
    // The timer was early, or the clock was put back.
    if (lateMs < 0) return;
    if (lateMs > this.#usableForMs) return this.#drop(atMs + lateMs - this.#usableForMs);
    this.#slots = this.#slots.slice(1);
    this.#wasLate = 0;
    for (const waiter of this.#leaving(this.#waiting.slice(0, 1))) waiter.resolve("granted");
  }

  /** What was for before that moment is void. */
  #drop(beforeMs: number): void {
    this.#slots = this.#slots.filter(({ atMs }) => atMs >= beforeMs);
    this.#wasLate += 1;
    if (this.#wasLate < mostTimesLate) return;
    this.#wasLate = 0;
    for (const waiter of this.#leaving(this.#waiting)) waiter.resolve("too-slow");
  }

  /** Reads what others have done, and takes what is lacking. */
  async #look(): Promise<void> {
    const wanted = Math.max(0, this.#waiting.length - this.#slots.length);
    const taken = await take(this.#limiting, this.#turnsFor, wanted);
    // The clock may have been put back while this queue rested.
    if (taken.nowMs < this.#lookedAtMs) this.#forget();
    this.#lookedAtMs = taken.nowMs;
    this.#next = taken.next;
    this.#slots = [...this.#slots, ...taken.slots].filter(({ atMs }) => atMs >= taken.pushedBackUntilMs);
    this.#refuseTheFar();
  }

  #refuseTheFar(): void {
    const nowMs = this.#nowMs();
    for (let place = 0; place < this.#waiting.length;) {
      const waiter = this.#waiting[place];
      const atMs = this.#momentOf(place);
      if (waiter === undefined || atMs - waiter.askedAtMs <= waiter.mostMs) {
        place += 1;
        continue;
      }
      this.#leaving([waiter]);
      waiter.resolve({ nextInMs: Math.max(0, Math.ceil(atMs - nowMs)) });
    }
  }

  /** When the turn of one of those who wait comes, as far as it is known. */
  #momentOf(place: number): number {
    const slot = this.#slots[place];
    if (slot !== undefined) return slot.atMs;
    if (this.#next === undefined) return 0;
    return this.#next.atMs + (place - this.#slots.length) * this.#intervalMs;
  }

  /** The clock was put back: a slot in hand would be used later than its moment was. */
  #forget(): void {
    this.#slots = [];
    this.#next = undefined;
    this.#lookedAtMs = Number.NEGATIVE_INFINITY;
  }

  async #giveBack(): Promise<void> {
    const unused = this.#slots;
    this.#slots = [];
    try {
      await giveBack(this.#limiting, this.#turnsFor, unused);
    } catch {
      // They are lost then, as after a crash: nobody waits for them.
    }
  }

  #leaving(waiters: readonly Waiter[]): readonly Waiter[] {
    this.#waiting = this.#waiting.filter((each) => !waiters.includes(each));
    if (this.#waiting.length === 0) this.#rest.abort();
    return waiters;
  }

  /** False when it was woken before. */
  async #restUntil(atMs: number): Promise<boolean> {
    const restMs = atMs - this.#nowMs();
    if (!(restMs > 0)) return true;
    this.#rest = new AbortController();
    try {
      await this.#limiting.clock.sleep(restMs, this.#rest.signal);
      return true;
    } catch (error) {
      if (this.#rest.signal.aborted) return false;
      throw error;
    }
  }

  #nowMs(): number {
    return this.#limiting.clock.now().getTime();
  }
}
