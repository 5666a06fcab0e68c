import type { Clock } from "../contract/clock.ts";

/** A limit on work that goes on. */
export interface TimeLimit {
  /** Aborts when the work's answer is no longer waited for. */
  readonly signal: AbortSignal;
  /** The work waits for somebody else until then (milliseconds since 1970): that time does not count. */
  readonly pauseUntil: (atMs: number) => void;
}

/**
 * Waits for `work` at most `ms` milliseconds of the clock, pauses not counted; then its signal aborts and
 * `onTimeout` is thrown. What the work still does after that is nobody's answer any more.
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
  let untilMs = nowMs() + ms;
  let pausedUntilMs = 0;
  const pauseUntil = (atMs: number): void => {
    // Pauses may overlap: each moment counts once.
    const fromMs = Math.max(nowMs(), pausedUntilMs);
    untilMs += Math.max(0, atMs - fromMs);
    pausedUntilMs = Math.max(pausedUntilMs, atMs);
  };
  const timeout = (async (): Promise<never> => {
    while (nowMs() < untilMs) await clock.sleep(untilMs - nowMs(), answered.signal);
    throw onTimeout();
  })();
  timeout.catch(() => {}); // The loser of the race is nobody's business.
  try {
    return await Promise.race([work({ signal: over.signal, pauseUntil }), timeout]);
  } catch (error) {
    over.abort(error);
    throw error;
  } finally {
    answered.abort();
  }
}
