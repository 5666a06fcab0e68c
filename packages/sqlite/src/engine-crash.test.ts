import { newKey, systemClock } from "@heed/core";
import type { Decision } from "@heed/core/storage";
import { expect, it, onTestFinished } from "vitest";
import { bytesOnDisk } from "../test/bytes-on-disk.ts";
import { startChild } from "../test/child.ts";
import { batchesInHand, batchSize, crashHeed } from "../test/crash-heed.ts";
import { crashVendor } from "../test/crash-vendor.ts";
import { temporaryFile } from "../test/temporary-file.ts";

/** `pnpm test:long` kills more often. */
const mostKills = Number(process.env["HEED_KILLS"] ?? 10);
// Each life of a worker settles about thirty steps of their three, and some have to be left in the end.
const people = Array.from({ length: 12 * mostKills }, (_, index) => `person${index}.canary@example.org`);

it(
  "loses no step and repeats no more than was in flight when workers are killed at random instants",
  { timeout: 120_000 + mostKills * 10_000 },
  async () => {
    const file = temporaryFile();
    const keys = newKey();
    const vendor = await crashVendor(people, 15);
    const { heed, storage } = crashHeed(file, keys, vendor.url);
    onTestFinished(async () => {
      await heed.close();
      await vendor.close();
    });
    const requests = new Map<string, string>();
    for (const email of people) {
      await heed.consent.give({ subject: { email }, purpose: "news", evidence: { noticeVersion: "1" } });
      const { id } = await heed.requests.open({
        right: "erasure",
        subject: { email },
        identity: "signed-in",
      });
      requests.set(email, id);
    }
    const rows = (table: "steps" | "dataKeys" | "identifiers") =>
      storage.transact({
        lock: [],
        clock: systemClock,
        read: { [table]: { from: table, where: {} } },
        decide: (read): Decision<readonly Record<string, unknown>[]> => ({
          writes: [],
          answer: read[table] ?? [],
        }),
      });
    const idsOf = (steps: readonly Record<string, unknown>[]) =>
      steps.map((row) => String(row["id"])).toSorted();
    const wrappedKeys = (await rows("dataKeys")).map((row) => Buffer.from(row["wrapped"] as Uint8Array));
    expect(wrappedKeys).toHaveLength(2 * people.length);
    // The search works: before, the bytes of every key are found.
    const before = bytesOnDisk(file);
    expect(wrappedKeys.filter((wrapped) => !before.includes(wrapped))).toEqual([]);
    const planned = idsOf(await rows("steps"));
    // Of each request: unsubscribe and erase at the vendor, then heed's own data.
    expect(planned).toHaveLength(3 * people.length);

    const openSteps = async () => (await rows("steps")).filter((row) => row["endedAt"] === null).length;
    let inFlight = 0;
    let kills = 0;
    let left = planned.length;
    while (kills < mostKills && left > planned.length / 3) {
      const worker = startChild("crash-worker.ts", file, keys, vendor.url);
      // A random instant by its progress, however fast the machine is, and then a little more.
      const progressed = worker.printed(1 + Math.ceil(Math.random() * 60));
      await Promise.race([progressed.catch(() => {}), new Promise((resolve) => setTimeout(resolve, 5_000))]);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 40));
      await worker.kill();
      inFlight += (await rows("steps")).filter(
        (row) => row["state"] === "running" && row["phase"] === "run",
      ).length;
      left = await openSteps();
      kills += 1;
    }
    expect(kills).toBeGreaterThan(3);
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThan(planned.length);
    for (;;) {
      const { open } = await heed.work.drain();
      if (open === 0) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }

    const steps = await rows("steps");
    expect(idsOf(steps)).toEqual(planned);
    expect(steps.filter((row) => row["state"] !== "verified")).toEqual([]);
    expect([...vendor.records]).toEqual([]);
    expect([...vendor.optedOut].toSorted()).toEqual(people.toSorted());
    const repeats = [...vendor.writes.values()].reduce((sum, times) => sum + times - 1, 0);
    expect(repeats).toBeLessThanOrEqual(inFlight);
    expect(inFlight).toBeLessThanOrEqual(kills * batchesInHand * batchSize);
    for (const [, id] of requests) expect((await heed.requests.get(id)).state).toBe("fulfilled");

    // Every key is destroyed, and its bytes are in neither the database nor its log. No address ever was.
    expect(await rows("dataKeys")).toEqual([]);
    expect(await rows("identifiers")).toEqual([]);
    const after = bytesOnDisk(file);
    expect(wrappedKeys.filter((wrapped) => after.includes(wrapped))).toEqual([]);
    expect(before.includes("canary") || after.includes("canary")).toBe(false);
  },
);
