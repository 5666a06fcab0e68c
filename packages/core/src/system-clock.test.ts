import { describe, expect, it } from "vitest";
import { systemClock } from "./system-clock.ts";

/** Whether the promise is still unsettled after a real wait of `ms`. */
async function isPendingAfter(promise: Promise<void>, ms: number): Promise<boolean> {
  return Promise.race([promise.then(() => false), systemClock.sleep(ms).then(() => true)]);
}

describe("systemClock", () => {
  it("tells the machine's time", () => {
    const before = Date.now();
    const now = systemClock.now().getTime();
    expect(now).toBeGreaterThanOrEqual(before);
    expect(now).toBeLessThanOrEqual(Date.now());
  });

  it("sleeps for as long as it was asked to", async () => {
    const before = performance.now();
    await systemClock.sleep(20);
    // Timers are cut to whole milliseconds and may fire one early.
    expect(performance.now() - before).toBeGreaterThanOrEqual(19);
  });

  it("wakes with the signal's own reason", async () => {
    const reason = new Error("lease lost");
    const controller = new AbortController();
    const slept = systemClock.sleep(60_000, controller.signal);
    controller.abort(reason);
    await expect(slept).rejects.toBe(reason);
  });

  it("does not begin to sleep under a signal that aborted before", async () => {
    const reason = new Error("too late");
    await expect(systemClock.sleep(60_000, AbortSignal.abort(reason))).rejects.toBe(reason);
  });

  it("sleeps longer than a timer can count", async () => {
    const controller = new AbortController();
    const slept = systemClock.sleep(2 ** 31, controller.signal);
    expect(await isPendingAfter(slept, 30)).toBe(true);
    controller.abort();
    await expect(slept).rejects.toThrow("aborted");
  });
});
