import { describeHistories } from "@heed/testing";
import { join } from "node:path";
import { directoryInMemory } from "../test/directory-in-memory.ts";
import { sqlite } from "./sqlite.ts";

const directory = directoryInMemory();

const seeds = Number(process.env["HEED_SEEDS"] ?? 50);
const create = (place: string) => sqlite(join(directory, `${place}.db`));

// Every commit goes to a file: half as many, most are short, and of fifty seeds one is played for its whole month.
describeHistories({
  name: "sqlite",
  create,
  seeds: seeds / 2,
  size: { days: 10, people: 1 },
  repeats: false,
});
describeHistories({ name: "sqlite", create, seeds: seeds / 50 });
