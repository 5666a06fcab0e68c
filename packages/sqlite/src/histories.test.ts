import { describeHistories } from "@heed/testing";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { sqlite } from "./sqlite.ts";

const directory = mkdtempSync(join(tmpdir(), "heed-sqlite-"));
afterAll(() => rmSync(directory, { recursive: true }));

describeHistories({
  name: "sqlite",
  create: (place) => sqlite(join(directory, `${place}.db`)),
  // Every commit waits for the disk.
  seeds: Number(process.env["HEED_SEEDS"] ?? 50) / 50,
});
