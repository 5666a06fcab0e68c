import { describeStorage } from "@heed/testing";
import { inject } from "vitest";
import { clientOn } from "../test/database.ts";
import { reusedSchema, storageAt } from "../test/place.ts";

const schemaOf = reusedSchema();

describeStorage({
  name: "postgres",
  durable: true,
  create: async (place) => storageAt(await schemaOf(place), false),
  async begin(place) {
    const { url } = inject("postgres");
    const [application, other] = [await clientOn(url), await clientOn(url)];
    await application.query(`CREATE SCHEMA IF NOT EXISTS "${place}_app"`);
    const own = `"${place}_app".own`;
    await application.query(`CREATE TABLE ${own} (id text)`);
    await application.query(`BEGIN; INSERT INTO ${own} VALUES ('u')`);
    return {
      within: application,
      commit: async () => void (await application.query("COMMIT")),
      rollback: async () => void (await application.query("ROLLBACK")),
      ownRows: async () => (await other.query(`SELECT count(*)::int AS n FROM ${own}`)).rows[0]?.n as number,
    };
  },
});
