import { newKey, systemClock, type HeedStorage } from "@heed/core";
import type { Decision } from "@heed/core/storage";
import { expect, onTestFinished } from "vitest";
import type { Child } from "./child.ts";
import { batchesInHand, batchSize, crashHeed } from "./crash-heed.ts";
import { crashVendor } from "./crash-vendor.ts";

/** What the crash test is run on. */
export interface CrashSetting {
  readonly storage: HeedStorage;
  /** Starts a process that works on the same data until it is killed, and prints a line for each step it stored. */
  readonly startWorker: (keys: string, vendorUrl: string) => Child;
  /** Workers at a time; one of them is killed, and another takes its place. Default 1. */
  readonly workers?: number;
  /** Everything in the storage's files. */
  readonly bytes: () => Promise<Buffer>;
}

const kills = Number(process.env["HEED_KILLS"] ?? 10);
// Between two deaths some steps are carried out, and some have to be left in the end.
const people = Array.from({ length: 12 * kills }, (_, index) => `person${index}.canary@example.org`);

/**
 * Erasures of twelve people for each death, whose workers are killed at random instants: no step is lost, no more calls are
 * repeated than were in flight, and in the end everything is done, in the vendor's records too, and the keys'
 * bytes are in no file.
 */
export async function loseNoStep({ storage, startWorker, workers = 1, bytes }: CrashSetting): Promise<void> {
  const keys = newKey();
  const vendor = await crashVendor(people, 15);
  const heed = crashHeed(storage, keys, vendor.url);
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
  const before = await bytes();
  expect(wrappedKeys.filter((wrapped) => !before.includes(wrapped))).toEqual([]);
  const planned = idsOf(await rows("steps"));
  // Of each request: unsubscribe and erase at the vendor, then heed's own data.
  expect(planned).toHaveLength(3 * people.length);

  const openSteps = async () => (await rows("steps")).filter((row) => row["endedAt"] === null).length;
  /** Each lease once: what a dead worker leaves stays leased for a while. */
  const inFlight = new Set<string>();
  const noteInFlight = async () => {
    for (const row of await rows("steps"))
      if (row["state"] === "running" && row["phase"] === "run")
        inFlight.add(`${String(row["id"])}/${String(row["attempt"])}`);
  };
  let killed = 0;
  let left = planned.length;
  const running = Array.from({ length: workers }, () => startWorker(keys, vendor.url));
  while (killed < kills && left > planned.length / 4) {
    const worker = running[killed % workers];
    if (worker === undefined) break;
    // A random instant by its progress, however fast the machine is, and then a little more.
    const progressed = worker.printed(1 + Math.ceil(Math.random() * ((2 * planned.length) / 3 / kills)));
    await Promise.race([progressed.catch(() => {}), new Promise((resolve) => setTimeout(resolve, 5_000))]);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 40));
    await worker.kill();
    await noteInFlight();
    left = await openSteps();
    running[killed % workers] = startWorker(keys, vendor.url);
    killed += 1;
  }
  await Promise.all(running.map((worker) => worker.kill()));
  await noteInFlight();
  expect(killed).toBeGreaterThanOrEqual(kills / 2);
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
  expect(repeats).toBeLessThanOrEqual(inFlight.size);
  expect(inFlight.size).toBeLessThanOrEqual((killed + 1) * workers * batchesInHand * batchSize);
  for (const [, id] of requests) expect((await heed.requests.get(id)).state).toBe("fulfilled");

  // Every key is destroyed, and its bytes are in neither the database nor its log. No address ever was.
  expect(await rows("dataKeys")).toEqual([]);
  expect(await rows("identifiers")).toEqual([]);
  const after = await bytes();
  expect(wrappedKeys.filter((wrapped) => after.includes(wrapped))).toEqual([]);
  expect(before.includes("canary") || after.includes("canary")).toBe(false);
}
