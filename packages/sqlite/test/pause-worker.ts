// Works with a short lease, and says before each erasure that it is about to make it. Arguments: file, keys, the vendor's URL.
import { setTimeout as sleep } from "node:timers/promises";
import { crashHeed } from "@heed/testing/private";
import { sqlite } from "../src/sqlite.ts";

const [file = "", keys = "", url = ""] = process.argv.slice(2);
const heed = crashHeed(sqlite(file), keys, url, { leaseMs: 1_000 }, async (question) => {
  if (question !== "erase") return;
  console.log("about to erase");
  // The moment in which it is made to stand still.
  await sleep(200);
});
heed.on("work.failed", ({ error }) => console.error(error));
heed.work.start();
console.log("working");
