import { describeWebhooks } from "@heed/testing/private";
import { createDatabase } from "../test/database.ts";
import { newPlace } from "../test/place.ts";
import { placesOf } from "../test/places-of.ts";

describeWebhooks({
  name: "postgres",
  async create() {
    const { storage, client } = await newPlace({ connectionString: await createDatabase() });
    return { storage, traces: (text) => placesOf(client, text) };
  },
});
