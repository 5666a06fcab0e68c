import { describeStorage } from "@heed/testing";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, onTestFinished } from "vitest";
import { sqlite } from "./sqlite.ts";

const directory = mkdtempSync(join(tmpdir(), "heed-sqlite-"));
afterAll(() => rmSync(directory, { recursive: true }));

describeStorage({
  name: "sqlite with a file for the keys",
  durable: true,
  create: (place) =>
    sqlite({ file: join(directory, `${place}.db`), keysFile: join(directory, `${place}.keys`) }),
});

const fileOf = (place: string) => join(directory, `${place}.db`);

describeStorage({
  name: "sqlite",
  durable: true,
  create: (place) => sqlite(fileOf(place)),
  async begin(place) {
    const [application, other] = [new DatabaseSync(fileOf(place)), new DatabaseSync(fileOf(place))];
    onTestFinished(() => {
      application.close();
      other.close();
    });
    application.exec("CREATE TABLE own (id TEXT); BEGIN IMMEDIATE; INSERT INTO own VALUES ('u')");
    return {
      within: application,
      commit: async () => application.exec("COMMIT"),
      rollback: async () => application.exec("ROLLBACK"),
      ownRows: async () => Number(other.prepare("SELECT count(*) AS n FROM own").get()?.["n"]),
    };
  },
});
