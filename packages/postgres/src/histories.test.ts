import { describeHistories } from "@heed/testing";
import { emptiedStorage } from "../test/place.ts";

describeHistories({
  name: "postgres",
  create: emptiedStorage(),
  seeds: Number(process.env["HEED_SEEDS"] ?? 50) / 50,
});
