// Works with a short lease, says before each erasure that it is about to make it, and stands still there the first time,
// until it is told to go on by SIGCONT. Arguments: file, keys, the vendor's URL.
import { crashHeed } from "@heed/testing/private";
import { sqlite } from "../src/sqlite.ts";

const [file = "", keys = "", url = ""] = process.argv.slice(2);
let stoodStill = false;
const heed = crashHeed(sqlite(file), keys, url, { leaseMs: 1_000 }, async (question) => {
  if (question !== "erase") return;
  console.log("about to erase");
  if (stoodStill) return;
  stoodStill = true;
  // By its own hand: a signal from another process may come too late on a busy machine.
  process.kill(process.pid, "SIGSTOP");
});
heed.on("work.failed", ({ error }) => console.error(error));
heed.work.start();
console.log("working");
