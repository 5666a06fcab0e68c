import { describeRecovery } from "@heed/testing";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { sqlite } from "./sqlite.ts";

const directory = mkdtempSync(join(tmpdir(), "heed-sqlite-"));
afterAll(() => rmSync(directory, { recursive: true }));

describeRecovery({
  name: "sqlite",
  create: (place) => sqlite(join(directory, `${place}.db`)),
  // Every commit waits for the disk: `pnpm test:long` takes them all.
  step: process.env["HEED_FAULTS"] === "all" ? 1 : 7,
});
