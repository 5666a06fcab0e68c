import { memory } from "@heed/core";
import { describeHistories } from "./describe-histories.ts";

describeHistories({
  name: "memory",
  create: () => memory(),
  seeds: Number(process.env["HEED_SEEDS"] ?? 50),
});
