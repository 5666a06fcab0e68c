import { describeBacklog } from "@heed/testing/private";
import { newPlace } from "../test/place.ts";

describeBacklog({ name: "postgres", create: async () => (await newPlace()).storage });
