import { DatabaseSync } from "node:sqlite";
import { dataKey, write } from "@heed/testing/private";
import { expect, it, onTestFinished } from "vitest";
import { temporaryFile } from "../test/temporary-file.ts";
import { openDatabase } from "./open-database.ts";
import { select } from "./sql.ts";
import { sqlite } from "./sqlite.ts";
import { untilFreeFor } from "./until-free.ts";

const ofKeys = select({ from: "dataKeys", where: { owner: ["a", "b"] } }).sql;
const ofUsers = "SELECT * FROM users WHERE id IN (SELECT value FROM json_each(?))";

function planOn(database: DatabaseSync, sql: string): unknown {
  return database.prepare(`EXPLAIN QUERY PLAN ${sql}`).get()?.["detail"];
}

it("does without what was noted of heed's tables while they were small, and leaves alone what is the application's", async () => {
  const file = temporaryFile();
  const first = sqlite(file);
  await write(first, [dataKey("a", new Uint8Array(60))]);
  await first.close();
  const application = new DatabaseSync(file);
  onTestFinished(() => application.close());
  application.exec("CREATE TABLE users (id TEXT PRIMARY KEY); INSERT INTO users VALUES ('a'); ANALYZE");
  expect(planOn(application, ofKeys)).toBe("SCAN heed_dataKeys");
  expect(planOn(application, ofUsers)).toBe("SCAN users");

  const heeds = await openDatabase(file, untilFreeFor(1000));
  onTestFinished(() => heeds.close());
  expect(planOn(heeds, ofKeys)).toMatch(/^SEARCH heed_dataKeys/);
  expect(planOn(heeds, ofUsers)).toBe("SCAN users");
  // Nor does whoever opens the file after it have them.
  const later = new DatabaseSync(file);
  onTestFinished(() => later.close());
  expect(planOn(later, ofKeys)).toMatch(/^SEARCH heed_dataKeys/);
});
