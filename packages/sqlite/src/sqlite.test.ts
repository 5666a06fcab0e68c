import { describeStorage } from "@heed/testing";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { sqlite } from "./sqlite.ts";

const directory = mkdtempSync(join(tmpdir(), "heed-sqlite-"));
afterAll(() => rmSync(directory, { recursive: true }));

describeStorage({
  name: "sqlite with a file for the keys",
  durable: true,
  create: (place) =>
    sqlite({ file: join(directory, `${place}.db`), keysFile: join(directory, `${place}.keys`) }),
});

describeStorage({ name: "sqlite", durable: true, create: (place) => sqlite(join(directory, `${place}.db`)) });
