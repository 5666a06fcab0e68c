import type { Clock } from "../contract/clock.ts";

/**
 * Waits for `work` at most `ms` milliseconds of the clock; then its signal aborts and `onTimeout` is thrown.
 * What the work still does after that is nobody's answer any more.
 */
export async function withTimeLimit<T>(
  clock: Clock,
  ms: number,
  onTimeout: () => Error,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const answered = new AbortController();
  const timeout = clock.sleep(ms, answered.signal).then(() => {
    const error = onTimeout();
    over.abort(error);
    throw error;
  });
  timeout.catch(() => {}); // The loser of the race is nobody's business.
  try {
    return await Promise.race([work(over.signal), timeout]);
  } finally {
    answered.abort();
  }
}
