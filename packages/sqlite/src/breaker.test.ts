import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeBreaker } from "@heed/testing/private";
import { afterAll } from "vitest";
import { sqlite } from "./sqlite.ts";

const directory = mkdtempSync(join(tmpdir(), "heed-sqlite-"));
afterAll(() => rmSync(directory, { recursive: true }));

describeBreaker({ name: "sqlite", create: (place) => sqlite(join(directory, `${place}.db`)) });
