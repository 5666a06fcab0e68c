import { setImmediate as turn } from "node:timers/promises";
import type { Clock } from "@heed/core/contract";

/** How a {@link virtualClock} behaves. */
export interface VirtualClockOptions {
  /**
   * Lets time jump to the earliest sleeper by itself whenever nothing else goes on. Default `false`: time
   * stands still until `advance` or `set`.
   */
  readonly autoAdvance?: boolean;
  /**
   * How many turns of the event loop, in which nobody reads the clock or falls asleep, count as "nothing
   * goes on". Default 100, about a millisecond: enough for a file, for WebCrypto, and for an answer of a
   * server in the same process; not for one of another process, for which there is {@link VirtualClock.during}.
   */
  readonly quietTurns?: number;
}

/** A clock that a test moves. */
export interface VirtualClock extends Clock {
  /**
   * Lets time pass. Sleepers wake in the order of their time, each at its own instant and before the next
   * one; what a woken sleeper starts may sleep again within the same advance. Resolves when all is quiet.
   */
  advance(ms: number): Promise<void>;
  /**
   * Puts the clock to an RFC 3339 instant. Forward is an {@link advance}; backward is a clock that somebody
   * corrected: `now` steps back, and sleepers keep the time that they had left.
   */
  set(at: string): Promise<void>;
  /**
   * Time stands still until the work has ended: for what goes on in another process, say at a database's server.
   * @returns the work
   */
  during<T>(work: Promise<T>): Promise<T>;
}

interface Sleeper {
  wakesAtMs: number;
  readonly wake: () => void;
}

function instantMs(at: string): number {
  const ms = Date.parse(at);
  if (Number.isNaN(ms)) throw new TypeError("A virtual clock is set to an RFC 3339 instant.");
  return ms;
}

/**
 * Makes a clock that stands still until it is moved.
 *
 * @param start RFC 3339; default `"2026-01-15T12:00:00.000Z"`
 * @throws TypeError when `start` is no instant
 */
export function virtualClock(
  start = "2026-01-15T12:00:00.000Z",
  options: VirtualClockOptions = {},
): VirtualClock {
  const { autoAdvance = false, quietTurns = 100 } = options;
  let nowMs = instantMs(start);
  let uses = 0;
  let isWatching = false;
  // Kept in the order of waking; those of one instant in the order of falling asleep.
  let sleepers: readonly Sleeper[] = [];
  const underWay = new Set<Promise<void>>();

  function fallAsleep(sleeper: Sleeper): void {
    const after = sleepers.findIndex(({ wakesAtMs }) => wakesAtMs > sleeper.wakesAtMs);
    sleepers = sleepers.toSpliced(after === -1 ? sleepers.length : after, 0, sleeper);
    uses += 1;
    if (autoAdvance && !isWatching) void watch();
  }

  function leave(sleeper: Sleeper): void {
    sleepers = sleepers.filter((other) => other !== sleeper);
  }

  async function quiet(): Promise<void> {
    for (let turns = 0; turns < quietTurns; turns += 1) {
      const usesBefore = uses;
      await (underWay.size > 0 ? Promise.race(underWay) : turn());
      if (uses !== usesBefore) turns = 0;
    }
  }

  function wakeFirst(): void {
    const [first] = sleepers;
    if (first === undefined) return;
    nowMs = Math.max(nowMs, first.wakesAtMs);
    leave(first);
    first.wake();
  }

  async function watch(): Promise<void> {
    isWatching = true;
    while (sleepers.length > 0) {
      await quiet();
      wakeFirst();
    }
    isWatching = false;
  }

  async function moveTo(targetMs: number): Promise<void> {
    await quiet(); // What was started at this instant belongs to it.
    while (sleepers[0] !== undefined && sleepers[0].wakesAtMs <= targetMs) {
      wakeFirst();
      await quiet();
    }
    nowMs = Math.max(nowMs, targetMs);
  }

  return {
    now: () => {
      uses += 1;
      return new Date(nowMs);
    },
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        signal?.throwIfAborted();
        if (!(ms > 0)) {
          resolve();
          return;
        }
        const abort = () => {
          leave(sleeper);
          reject(signal?.reason);
        };
        const sleeper: Sleeper = {
          wakesAtMs: nowMs + ms,
          wake: () => {
            signal?.removeEventListener("abort", abort);
            resolve();
          },
        };
        signal?.addEventListener("abort", abort, { once: true });
        fallAsleep(sleeper);
      }),
    async advance(ms) {
      if (!(ms >= 0))
        throw new TypeError("Time advances by zero or more milliseconds; to step back, use set.");
      await moveTo(nowMs + ms);
    },
    async set(at) {
      const targetMs = instantMs(at);
      if (targetMs >= nowMs) {
        await moveTo(targetMs);
        return;
      }
      for (const sleeper of sleepers) sleeper.wakesAtMs -= nowMs - targetMs;
      nowMs = targetMs;
    },
    during(work) {
      const end = () => {
        underWay.delete(ended);
        uses += 1;
      };
      const ended: Promise<void> = work.then(end, end);
      underWay.add(ended);
      uses += 1;
      return work;
    },
  };
}
