import { fileURLToPath } from "node:url";
import { newKey } from "@heed/core";
import { crashHeed, crashVendor, startChild } from "@heed/testing/private";
import { expect, it, onTestFinished } from "vitest";
import { clientOn } from "../test/database.ts";
import { startPostgres } from "../test/start-postgres.ts";
import { postgres } from "./postgres.ts";

const worker = fileURLToPath(new URL("../test/crash-worker.ts", import.meta.url));
const people = Array.from({ length: 60 }, (_, index) => `person${index}@example.org`);

it.skipIf(process.env["HEED_TEST_DATABASE_URL"] !== undefined)(
  "goes on by itself after the database has crashed under load, with evidence exactly once",
  { timeout: 180_000 },
  async () => {
    const server = await startPostgres();
    onTestFinished(() => server.stop());
    const keys = newKey();
    const vendor = await crashVendor(people, 10);
    const storage = postgres(server.url);
    await storage.migrate();
    const heed = crashHeed(storage, keys, vendor.url);
    onTestFinished(async () => {
      await heed.close();
      await vendor.close();
    });
    for (const email of people) {
      await heed.requests.open({ right: "erasure", subject: { email }, identity: "signed-in" });
    }
    const workers = [1, 2].map(() => startChild(worker, server.url, keys, vendor.url));
    for (const lines of [10, 40, 80]) {
      await workers[0]?.printed(lines);
      await server.crash();
      // Neither the workers nor this process have ended; both find the database again by themselves.
      expect(
        (await storage.due({ namespace: "nobody", now: "2026-01-01T00:00:00.000Z", max: 1 })).length,
      ).toBe(0);
    }
    const client = await clientOn(server.url);
    const count = async (sql: string) =>
      (await client.query(`SELECT count(*)::int AS n FROM ${sql}`)).rows[0]?.n as number;
    await expect
      .poll(() => count(`heed.steps WHERE "endedAt" IS NULL`), { timeout: 120_000, interval: 200 })
      .toBe(0);
    await Promise.all(workers.map((each) => each.kill()));
    expect(await count("heed.steps WHERE state <> 'verified'")).toBe(0);
    expect([...vendor.records]).toEqual([]);
    const settled = "heed.evidence WHERE entry::json->>'kind' = 'step.settled'";
    expect(await count(settled)).toBe(await count("heed.steps"));
    const ofSteps =
      "(SELECT DISTINCT entry::json->>'stepId' FROM heed.evidence WHERE entry::json->>'kind' = 'step.settled') AS s";
    expect(await count(ofSteps)).toBe(await count("heed.steps"));
  },
);
