// A worker that drains a storage. Arguments: the place as JSON, keys, the vendor's URL. Warms up, waits for a line, then works.
import { once } from "node:events";
import { keyring } from "@heed/core";
import { company } from "./company.ts";
import { openStorage, type Place } from "./places.ts";

const [place = "", keys = "", url = ""] = process.argv.slice(2);
const heed = company(openStorage(JSON.parse(place) as Place), keyring(keys), url);
heed.on("work.failed", ({ error }) => console.error(error));
// Connections and the compiler are warm, as they are in the bare loop.
const { settled: warm } = await heed.work.drain({ budgetMs: 500 });
console.log(JSON.stringify("ready"));
await once(process.stdin, "data");
const cpu = process.cpuUsage();
const began = performance.now();
const { settled, open, nextAt } = await heed.work.drain();
const seconds = (performance.now() - began) / 1000;
const { user, system } = process.cpuUsage(cpu);
console.log(JSON.stringify({ warm, settled, open, nextAt, seconds, cpuMicros: (user + system) / settled }));
