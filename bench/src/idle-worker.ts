// A worker with nothing to do for now. Arguments: the place as JSON, keys, seconds.
import { setTimeout as sleep } from "node:timers/promises";
import { keyring } from "@heed/core";
import { company } from "./company.ts";
import { openStorage, type Place } from "./places.ts";

const [place = "", keys = "", seconds = "0"] = process.argv.slice(2);
const heed = company(openStorage(JSON.parse(place) as Place), keyring(keys), "http://127.0.0.1:9");
heed.work.start();
await sleep(2_000);
const cpu = process.cpuUsage();
const began = performance.now();
await sleep(Number(seconds) * 1000);
const elapsedMicros = (performance.now() - began) * 1000;
const { user, system } = process.cpuUsage(cpu);
console.log(JSON.stringify((100 * (user + system)) / elapsedMicros));
