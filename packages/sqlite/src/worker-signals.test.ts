import { newKey, systemClock } from "@heed/core";
import type { Decision } from "@heed/core/storage";
import { describe, expect, it, onTestFinished } from "vitest";
import { startChild } from "../test/child.ts";
import { crashHeed, crashVendor } from "@heed/testing/private";
import { sqlite } from "./sqlite.ts";
import { temporaryFile } from "../test/temporary-file.ts";

const people = Array.from({ length: 40 }, (_, index) => `person${index}@example.org`);

/** A vendor, a file with an erasure for each person, and a way to look into it. */
async function scene(emails: readonly string[], latency: number | (() => number)) {
  const file = temporaryFile();
  const keys = newKey();
  const vendor = await crashVendor(emails, latency);
  const storage = sqlite(file);
  const heed = crashHeed(storage, keys, vendor.url);
  onTestFinished(async () => {
    await heed.close();
    await vendor.close();
  });
  for (const email of emails)
    await heed.requests.open({ right: "erasure", subject: { email }, identity: "signed-in" });
  const steps = () =>
    storage.transact({
      lock: [],
      clock: systemClock,
      read: { steps: { from: "steps", where: {} } },
      decide: (read): Decision<readonly Record<string, unknown>[]> => ({ writes: [], answer: read.steps }),
    });
  async function drain(): Promise<void> {
    while ((await heed.work.drain()).open > 0) await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { file, keys, vendor, heed, steps, drain };
}

describe("a worker process that is told to end", () => {
  it("by SIGTERM ends well, and leaves no step in its hands", { timeout: 60_000 }, async () => {
    const { file, keys, vendor, steps, drain } = await scene(people, 30);
    const worker = startChild("stop-worker.ts", file, keys, vendor.url, "10000");
    await worker.printed(10);
    worker.signal("SIGTERM");
    await worker.ended();
    const left = await steps();
    expect(left.filter(({ state }) => state === "running")).toEqual([]);
    expect(left.filter(({ endedAt }) => endedAt === null).length).toBeGreaterThan(0);
    expect(left.filter(({ attempted }) => attempted === 1)).toEqual([]);
    await drain();
    // What it had in hand it ended itself: nothing was asked twice.
    expect([...vendor.writes.values()].filter((times) => times > 1)).toEqual([]);
    expect(vendor.records.size).toBe(0);
  });

  it("while the vendor hangs gives back what it has in hand", { timeout: 60_000 }, async () => {
    let hangsMs = 0;
    const { file, keys, vendor, steps, drain } = await scene(people, () => hangsMs);
    const worker = startChild("stop-worker.ts", file, keys, vendor.url, "100");
    await worker.printed(10);
    hangsMs = 8_000;
    await new Promise((resolve) => setTimeout(resolve, 400));
    const since = Date.now();
    worker.signal("SIGTERM");
    await worker.ended();
    expect(Date.now() - since).toBeLessThan(4_000);
    expect((await steps()).filter(({ state }) => state === "running")).toEqual([]);
    hangsMs = 0;
    await drain();
    expect((await steps()).filter(({ state }) => state !== "verified")).toEqual([]);
    expect(vendor.records.size).toBe(0);
  });
});

describe("a worker process that stands still beyond its lease", () => {
  it("makes no irreversible call once another has its step", { timeout: 60_000 }, async () => {
    const { file, keys, vendor, steps, drain } = await scene(["anna@example.org"], 5);
    const worker = startChild("pause-worker.ts", file, keys, vendor.url);
    await worker.printed(2);
    expect(worker.lines.at(-1)).toBe("about to erase");
    expect(vendor.writes.get("erase anna@example.org")).toBeUndefined();
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    await drain();
    expect(vendor.writes.get("erase anna@example.org")).toBe(1);
    // As if the person had come back: a late call would take the new record.
    vendor.records.add("anna@example.org");
    worker.signal("SIGCONT");
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(vendor.writes.get("erase anna@example.org")).toBe(1);
    expect([...vendor.records]).toEqual(["anna@example.org"]);
    expect((await steps()).map(({ state }) => state)).toEqual(["verified", "verified", "verified"]);
  });

  it.each([
    ["and another had its step", true],
    ["and nobody else works", false],
  ])(
    "makes none either when a legal hold has landed meanwhile, %s",
    { timeout: 60_000 },
    async (_, isTaken) => {
      const email = "anna@example.org";
      const { file, keys, vendor, heed, steps, drain } = await scene([email], 5);
      const worker = startChild("pause-worker.ts", file, keys, vendor.url);
      await worker.printed(2);
      expect(worker.lines.at(-1)).toBe("about to erase");
      const { id, inFlight } = await heed.holds.place({
        subject: { email },
        reason: "case-17",
        orderedBy: "general-counsel",
        reviewAt: "2099-01-01T00:00:00Z",
      });
      const erase = (await steps()).find(
        (step) => step["processor"] === "vendor" && step["operation"] === "erase",
      );
      expect(inFlight).toEqual([erase?.["id"]]);
      await new Promise((resolve) => setTimeout(resolve, 1_200));
      if (isTaken) await heed.work.drain();
      expect((await steps()).find((step) => step["id"] === erase?.["id"])).toMatchObject(
        isTaken ? { state: "due", because: "legal-hold" } : { state: "running" },
      );
      worker.signal("SIGCONT");
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      expect(vendor.writes.get(`erase ${email}`)).toBeUndefined();
      expect([...vendor.records]).toEqual([email]);
      await heed.holds.release(id);
      await drain();
      expect(vendor.writes.get(`erase ${email}`)).toBe(1);
      expect(vendor.records.size).toBe(0);
    },
  );
});
