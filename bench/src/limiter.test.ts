import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { newKey } from "@heed/core";
import { measureLimiter } from "./limiter.ts";

describe("two worker processes on one SQLite file", () => {
  it("never send a vendor more in a window than it allows", async () => {
    const folder = mkdtempSync(join(tmpdir(), "heed-limiter-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const place = { kind: "sqlite", file: join(folder, "heed.db") } as const;
    const limit = { calls: 40, perMs: 1000, delayMs: 1000 };
    const seen = await measureLimiter({ limit, forMs: 4000, place, keys: newKey() });
    expect(seen.calls).toBeGreaterThan(40);
    expect(seen.windowMax).toBeLessThanOrEqual(1);
  }, 60_000);
});
