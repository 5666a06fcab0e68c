import { describe, expect, it } from "vitest";
import { retryAfterMs, untilMidnightMs } from "./retry-after.ts";

const hourMs = 60 * 60 * 1000;
const now = new Date("2026-11-21T10:00:00.000Z");

function wait(body: object, headers: Record<string, string> = {}, timeZone?: string): number {
  return retryAfterMs({ headers: new Headers(headers), body, now, timeZone });
}

describe("retryAfterMs", () => {
  it.each([
    [{ policyName: "TEN_SECONDLY_ROLLING" }, 10_000],
    [{ policyName: "SECONDLY" }, 1000],
    [{ message: "You have reached your secondly limit." }, 1000],
    [{ message: "You have reached your ten_secondly_rolling limit." }, 10_000],
    [{ policyName: "DAILY" }, hourMs],
    [{ category: "RATE_LIMITS" }, 10_000],
    [{}, 10_000],
  ])("reads %o", (body, expected) => {
    expect(wait(body)).toBe(expected);
  });

  it("obeys Retry-After in seconds, and nothing else in its place", () => {
    expect(wait({ policyName: "DAILY" }, { "Retry-After": "2" })).toBe(2000);
    for (const said of ["-1", "soon", "1e9", "Sat, 21 Nov 2026 10:00:00 GMT"]) {
      expect(wait({ policyName: "SECONDLY" }, { "Retry-After": said })).toBe(1000);
    }
  });
});

describe("untilMidnightMs", () => {
  it.each([
    ["2026-11-21T10:00:00.000Z", "Europe/Stockholm", "2026-11-21T23:00:00.000Z"],
    ["2026-11-21T10:00:00.250Z", "America/New_York", "2026-11-22T05:00:00.000Z"],
    ["2026-11-21T23:00:00.000Z", "Europe/Stockholm", "2026-11-22T23:00:00.000Z"],
    // The nights of the clock change, one hour shorter and one longer.
    ["2026-03-28T23:30:00.000Z", "Europe/Stockholm", "2026-03-29T22:00:00.000Z"],
    ["2026-10-24T22:30:00.000Z", "Europe/Stockholm", "2026-10-25T23:00:00.000Z"],
  ])("at %s in %s waits until %s", (at, timeZone, midnight) => {
    const instant = new Date(at);
    expect(new Date(instant.getTime() + untilMidnightMs(instant, timeZone)).toISOString()).toBe(midnight);
  });
});
