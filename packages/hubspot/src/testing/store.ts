import { emptyState, type PortalState } from "./records.ts";

/** The portal's state, with as much of its past as late reads can still see. */
export interface Store {
  readonly current: PortalState;
  /** Changes the state now; reads see it `lagMs` later. */
  write<T>(change: (state: PortalState) => T): T;
  /** Changes the state so that reads see it at once: for setting a scene. */
  seed<T>(change: (state: PortalState) => T): T;
  /** The state as it was `lagMs` ago. */
  asOf(lagMs: number): PortalState;
}

/** @param keepMs the longest lag that `asOf` will be asked for, in milliseconds */
export function createStore(now: () => Date, keepMs: number): Store {
  const current = emptyState();
  /** States that were replaced, oldest first, each with the instant of its end. */
  let past: { until: number; state: PortalState }[] = [];

  return {
    current,
    write(change) {
      if (keepMs > 0) {
        const instant = now().getTime();
        past = past.filter(({ until }) => until > instant - keepMs);
        past.push({ until: instant, state: structuredClone(current) });
      }
      return change(current);
    },
    seed: (change) => change(current),
    asOf(lagMs) {
      const instant = now().getTime() - lagMs;
      return past.find(({ until }) => until > instant)?.state ?? current;
    },
  };
}
