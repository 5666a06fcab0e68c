import { describeHistories } from "@heed/testing";
import { emptiedStorage } from "../test/place.ts";

const seeds = Number(process.env["HEED_SEEDS"] ?? 50);
const create = emptiedStorage();

// At a server each takes seconds: a tenth as many, most are short, and of fifty seeds one is played for its whole month.
describeHistories({
  name: "postgres",
  create,
  seeds: seeds / 10,
  size: { days: 10, people: 1 },
  repeats: false,
});
describeHistories({ name: "postgres", create, seeds: seeds / 50, repeats: false });
