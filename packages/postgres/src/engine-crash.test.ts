import { fileURLToPath } from "node:url";
import { loseNoStep, startChild } from "@heed/testing/private";
import { expect, inject, it } from "vitest";
import { bytesOnDisk } from "../test/bytes-on-disk.ts";
import { clientOn, createDatabase } from "../test/database.ts";
import { postgres } from "./postgres.ts";

const worker = fileURLToPath(new URL("../test/crash-worker.ts", import.meta.url));
const { directory } = inject("postgres");

it.skipIf(directory === undefined)(
  "loses no step, and repeats no more than was in flight, when one of two workers is killed again and again",
  { timeout: 240_000 + 15_000 * Number(process.env["HEED_KILLS"] ?? 10) },
  async () => {
    const url = await createDatabase();
    const storage = postgres(url);
    await storage.migrate();
    const client = await clientOn(url);
    await loseNoStep({
      storage,
      startWorker: (keys, vendorUrl) => startChild(worker, url, keys, vendorUrl),
      workers: 2,
      bytes: () => bytesOnDisk(client, directory ?? ""),
    });
    expect((await client.query("SELECT count(*)::int AS n FROM heed_boss.job")).rows).toEqual([{ n: 0 }]);
  },
);
