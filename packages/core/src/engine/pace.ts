import type { DailyLimit, Limit, WindowLimit } from "../contract/processor.ts";

const microsPerMs = 1000;
const defaultBurst = 4;
const defaultDelayMs = 500;

/** Longest delay between a grant and the call's arrival, in milliseconds. */
const delayOf = (limit: Limit): number => limit.delayMs ?? defaultDelayMs;

/** A limit as GCRA uses it, in microseconds. */
export interface Pace {
  readonly intervalMicros: number;
  readonly toleranceMicros: number;
}

/** Whether a limit counts civil days instead of a moving window. */
export const isDaily = (limit: Limit): limit is DailyLimit => "perDay" in limit;

/**
 * The generic cell rate algorithm (ITU-T I.371), at rate `(L − b − 1) / (W + d)`: for `L` calls per window
 * `W`, burst `b` and at most `d` between a grant and the call's arrival, no window of length `W` then holds
 * more than `L`.
 */
export function paceOf(limit: WindowLimit): Pace {
  const burst = Math.max(1, Math.min(limit.burst ?? defaultBurst, limit.calls - 2));
  const perWindow = Math.max(1, limit.calls - burst - 1);
  const windowMs = limit.perMs + delayOf(limit);
  const intervalMicros = Math.ceil((windowMs * microsPerMs) / perWindow);
  return { intervalMicros, toleranceMicros: (burst - 1) * intervalMicros };
}

/**
 * How long after its moment a grant may still be used, in milliseconds: half of the delay. The other half is
 * the call's way to the vendor, which nobody here can see. Endless where no delay is declared at all: such a
 * vendor does not mind.
 */
export function usableForMs(limits: readonly Limit[]): number {
  const delays = limits.map(delayOf).filter((delayMs) => delayMs > 0);
  return Math.min(Number.POSITIVE_INFINITY, ...delays.map((delayMs) => delayMs / 2));
}
