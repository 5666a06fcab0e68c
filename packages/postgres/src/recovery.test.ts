import { describeRecovery } from "@heed/testing";
import { emptiedStorage } from "../test/place.ts";

describeRecovery({
  name: "postgres",
  create: emptiedStorage(),
  // `pnpm test:long` takes every commit and call.
  step: process.env["HEED_FAULTS"] === "all" ? 1 : 13,
});
