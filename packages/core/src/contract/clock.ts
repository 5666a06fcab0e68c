/** Time, passed in. Nothing in heed reads the machine's clock by itself. */
export interface Clock {
  now(): Date;
  /**
   * Milliseconds since some fixed moment, on a clock that nobody sets: a lease must also end for a process
   * whose date was put back. Absent: the date alone counts.
   */
  elapsedMs?(): number;
  /** Resolves after `ms` milliseconds; rejects with the signal's reason when it aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}
