import { describeHistories } from "@heed/testing";
import { emptiedStorage } from "../test/place.ts";

const seeds = Number(process.env["HEED_SEEDS"] ?? 50);
const create = emptiedStorage();

// At a server a month takes seconds: most histories are short, and of fifty seeds one is played to its end.
describeHistories({ name: "postgres", create, seeds, size: { days: 10, people: 1 }, repeats: false });
describeHistories({ name: "postgres", create, seeds: seeds / 50, repeats: false });
