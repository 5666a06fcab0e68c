// Works until it is killed, and prints a line for each thing that it has stored. Arguments: connection string, keys, the vendor's URL.
import { crashHeed } from "@heed/testing/private";
import { postgres } from "../src/postgres.ts";

const [connectionString = "", keys = "", url = ""] = process.argv.slice(2);
const heed = crashHeed(postgres({ connectionString, connections: 6 }), keys, url);
heed.on("work.failed", ({ error }) => console.error(error));
heed.on("step.settled", () => console.log("step"));
heed.work.start();
console.log("working");
