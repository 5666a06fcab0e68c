import type { Clock } from "../contract/clock.ts";

/** A limit on work that goes on. */
export interface TimeLimit {
  /** Aborts when the work's answer is no longer waited for. */
  readonly signal: AbortSignal;
  /** Waits for somebody else: that time does not count. */
  readonly whileWaiting: <T>(wait: () => Promise<T>) => Promise<T>;
  /** The work gets on: its time counts from here. */
  readonly getsOn: () => void;
}

/** Work that gets on is waited for so many times as long, and no longer: it may be going round in a circle. */
const longestTimes = 60;

/**
 * Waits for `work` at most `ms` milliseconds of the clock since it began or last got on, waits for others not counted;
 * then its signal aborts and `onTimeout` is thrown. What the work still does after that is nobody's answer any more.
 */
export async function withTimeLimit<T>(
  clock: Clock,
  ms: number,
  onTimeout: () => Error,
  work: (limit: TimeLimit) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const answered = new AbortController();
  const nowMs = () => clock.now().getTime();
  const beganAtMs = nowMs();
  let waitedMs = 0;
  let gotOnAfterMs = 0;
  // Waits may overlap: each moment counts once.
  let waits = 0;
  let pause = { sinceMs: 0, over: Promise.resolve(), end: () => {} };
  const workedMs = () => (waits > 0 ? pause.sinceMs : nowMs()) - beganAtMs - waitedMs;
  const whileWaiting = async <W>(wait: () => Promise<W>): Promise<W> => {
    if (waits === 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      pause = { sinceMs: nowMs(), over: promise, end: resolve };
    }
    waits += 1;
    try {
      return await wait();
    } finally {
      waits -= 1;
      if (waits === 0) {
        waitedMs += Math.max(0, nowMs() - pause.sinceMs);
        pause.end();
      }
    }
  };
  const getsOn = () => void (gotOnAfterMs = workedMs());
  const timeout = (async (): Promise<never> => {
    for (;;) {
      await pause.over;
      const leftMs = Math.min(gotOnAfterMs + ms, longestTimes * ms) - workedMs();
      if (!(leftMs > 0)) throw onTimeout();
      await clock.sleep(leftMs, answered.signal);
    }
  })();
  timeout.catch(() => {}); // The loser of the race is nobody's business.
  try {
    return await Promise.race([work({ signal: over.signal, whileWaiting, getsOn }), timeout]);
  } catch (error) {
    over.abort(error);
    throw error;
  } finally {
    answered.abort();
  }
}
