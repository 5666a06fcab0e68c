import { describeHistories } from "@heed/testing";
import { emptiedStorage } from "../test/place.ts";

describeHistories({
  name: "postgres",
  create: emptiedStorage(),
  // Each takes seconds at a server: `pnpm test:long` plays forty.
  seeds: Number(process.env["HEED_SEEDS"] ?? 50) / 50,
  repeats: false,
});
