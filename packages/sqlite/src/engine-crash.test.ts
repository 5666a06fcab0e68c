import { loseNoStep } from "@heed/testing/private";
import { expect, it } from "vitest";
import { bytesOnDisk } from "../test/bytes-on-disk.ts";
import { startChild } from "../test/child.ts";
import { temporaryFile } from "../test/temporary-file.ts";
import { sqlite } from "./sqlite.ts";

it(
  "loses no step and repeats no more than was in flight when workers are killed at random instants",
  { timeout: 120_000 + 10_000 * Number(process.env["HEED_KILLS"] ?? 10) },
  async () => {
    const file = temporaryFile();
    await loseNoStep({
      storage: sqlite(file),
      startWorker: (keys, url) => startChild("crash-worker.ts", file, keys, url),
      bytes: async () => bytesOnDisk(file),
    });
    expect.hasAssertions();
  },
);
