import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keyring, newKey } from "@heed/core";
import { sqlite } from "@heed/sqlite";
import { expect, it } from "vitest";
import { openApplication } from "../src/application.ts";
import { createAxcrypt } from "../src/axcrypt.ts";
import { searchEverywhere } from "../src/search.ts";
import { buildStandIns } from "../src/stand-ins.ts";

const writeAndClose = `
  const { DatabaseSync } = require("node:sqlite");
  const database = new DatabaseSync(process.argv[1]);
  database.exec("CREATE TABLE visitor (a)");
  database.close();
`;

it("searches the bytes of an open database without giving up its locks", async () => {
  const folder = await mkdtemp(join(tmpdir(), "heed-search-"));
  const heedFile = join(folder, "heed.db");
  const application = openApplication(join(folder, "app.db"));
  const town = await buildStandIns();
  const storage = sqlite(heedFile);
  const keys = keyring(newKey());
  const heed = createAxcrypt({ storage, keys, application, vendors: town.vendors, settlingMs: 0 });
  try {
    const subject = { email: "anna@example.se" };
    await heed.subscriptions.unsubscribe({ subject, topic: "all" });
    const index = statSync(`${heedFile}-shm`);
    const places = { town, application, storage, keys, heedFile, logs: [] };
    expect(await searchEverywhere(places, "heed_schema")).toMatchObject({ heedBytes: ["heed.db-wal"] });
    expect(await searchEverywhere(places, subject.email)).toMatchObject({ heedBytes: [] });
    // With the locks gone this visitor would be alone: it would cut the index short, and delete it at its end.
    execFileSync(process.execPath, ["-e", writeAndClose, heedFile]);
    expect(statSync(`${heedFile}-shm`)).toMatchObject({ ino: index.ino, size: index.size });
    expect(await heed.suppression.check(subject)).toMatchObject({ suppressed: true });
  } finally {
    await heed.close();
    await town.close();
    application.close();
    await rm(folder, { recursive: true });
  }
});
