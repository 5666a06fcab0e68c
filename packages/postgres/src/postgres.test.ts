import { describeStorage } from "@heed/testing";
import { inject } from "vitest";
import { postgres } from "./postgres.ts";

describeStorage({
  name: "postgres",
  durable: true,
  create: (place) => postgres({ connectionString: inject("postgres").url, schema: place, migrate: true }),
});
