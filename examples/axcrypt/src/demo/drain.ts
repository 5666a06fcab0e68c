import type { Clock } from "@heed/core";
import type { Axcrypt } from "../axcrypt.ts";

/** Works in this process until nothing is due within so many milliseconds. */
export async function drainWithin(heed: Axcrypt, clock: Clock, withinMs: number): Promise<void> {
  for (;;) {
    const { nextAt } = await heed.work.drain();
    const waitMs =
      nextAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(nextAt) - clock.now().getTime();
    if (waitMs > withinMs) return;
    await clock.sleep(Math.max(0, waitMs));
  }
}
