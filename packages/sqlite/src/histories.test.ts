import { describeHistories } from "@heed/testing";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { sqlite } from "./sqlite.ts";

const directory = mkdtempSync(join(tmpdir(), "heed-sqlite-"));
afterAll(() => rmSync(directory, { recursive: true }));

const seeds = Number(process.env["HEED_SEEDS"] ?? 50);
const create = (place: string) => sqlite(join(directory, `${place}.db`));

// Every commit waits for the disk: most are short, and of fifty seeds one is played for its whole month.
describeHistories({ name: "sqlite", create, seeds, size: { days: 10, people: 1 }, repeats: false });
describeHistories({ name: "sqlite", create, seeds: seeds / 50 });
