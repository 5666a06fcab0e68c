import { describe, expect, it } from "vitest";
import { measureLimiter } from "./limiter.ts";

describe("two worker processes on one SQLite file", () => {
  it("never send a vendor more in a window than it allows", async () => {
    const seen = await measureLimiter({ limit: { calls: 40, perMs: 1000, delayMs: 1000 }, forMs: 4000 });
    expect(seen.calls).toBeGreaterThan(40);
    expect(seen.windowMax).toBeLessThanOrEqual(1);
  }, 60_000);
});
