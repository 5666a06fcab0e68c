// Works until SIGTERM, as a worker process of an application would. Arguments: file, keys, the vendor's URL, graceMs.
import { crashHeed } from "@heed/testing/private";
import { sqlite } from "../src/sqlite.ts";

const [file = "", keys = "", url = "", graceMs = ""] = process.argv.slice(2);
const heed = crashHeed(sqlite(file), keys, url, { leaseMs: 60_000, graceMs: Number(graceMs) });
heed.on("work.failed", ({ error }) => console.error(error));
heed.on("step.settled", () => console.log("step"));
process.once("SIGTERM", () => void heed.close());
heed.work.start();
console.log("working");
