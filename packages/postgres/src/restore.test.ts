import { mkdtempSync, rmSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeRestoring } from "@heed/testing/private";
import { onTestFinished } from "vitest";
import { copyDatabase, createDatabase, databaseUrl } from "../test/database.ts";
import { postgres } from "./postgres.ts";

describeRestoring({
  name: "postgres",
  async premises() {
    const directory = mkdtempSync(join(tmpdir(), "heed-postgres-"));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const base = `heed_${randomBytes(6).toString("hex")}`;
    await createDatabase(base);
    return {
      base,
      journal: join(directory, "journal"),
      open: (name) => postgres({ connectionString: databaseUrl(name), migrate: true }),
      backUp: (to) => copyDatabase(base, to),
    };
  },
});
