// Works until it is killed, and prints a line for each thing that it has stored. Arguments: file, keys, the vendor's URL.
import { crashHeed } from "@heed/testing/private";
import { sqlite } from "../src/sqlite.ts";

const [file = "", keys = "", url = ""] = process.argv.slice(2);
const heed = crashHeed(sqlite(file), keys, url);
heed.on("work.failed", ({ error }) => console.error(error));
heed.on("step.settled", () => console.log("step"));
heed.work.start();
console.log("working");
