import { systemClock, type Clock } from "@heed/core";

/** The machine's clock, which can be put forward. */
export interface SkippingClock extends Clock {
  skip(ms: number): void;
}

export function skippingClock(): SkippingClock {
  let aheadMs = 0;
  return {
    now: () => new Date(systemClock.now().getTime() + aheadMs),
    sleep: systemClock.sleep,
    skip: (ms) => {
      aheadMs += ms;
    },
  };
}
