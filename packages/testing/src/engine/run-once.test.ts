import { runOnce, UnavailableError } from "@heed/core";
import { describe, expect, it } from "vitest";
import { scriptedVendor } from "../scripted-vendor.ts";
import { virtualClock } from "../virtual-clock.ts";

const clock = () => virtualClock("2026-01-15T12:00:00.000Z", { autoAdvance: true });

describe("runOnce", () => {
  it("carries one operation out at one processor, and reads it back", async () => {
    const vendor = scriptedVendor({ operations: ["forgetTokens"], settlingMs: 1_000 });
    vendor.add({ id: "cus-1", emails: ["anna@example.org"], cards: 2 });
    vendor.fault({
      at: "run",
      throws: new UnavailableError("down", { processor: "scripted", operation: "forgetTokens" }),
    });
    const once = await runOnce(
      vendor.processor,
      "forgetTokens",
      { email: "anna@example.org" },
      { clock: clock() },
    );
    expect(once).toMatchObject({ state: "verified", outcome: "done", finding: "as-asked", affected: 2 });
    expect(vendor.find("anna@example.org")[0]?.cards).toBe(0);
  });

  it("says what stands in the way when the time is up", async () => {
    const vendor = scriptedVendor({ operations: ["forgetTokens"] });
    vendor.add({ id: "cus-1", emails: ["anna@example.org"], cards: 2, isPaying: true });
    const once = await runOnce(
      vendor.processor,
      "forgetTokens",
      { email: "anna@example.org" },
      { clock: clock() },
    );
    expect(once).toMatchObject({ state: "due", because: "active-subscription" });
    expect(vendor.find("anna@example.org")[0]?.cards).toBe(2);
  });

  it("refuses an operation that the processor does not have", async () => {
    const vendor = scriptedVendor({ operations: ["erase"] });
    await expect(
      runOnce(vendor.processor, "unsubscribe", { email: "anna@example.org" }),
    ).rejects.toMatchObject({ code: "unsupported-operation" });
  });
});
