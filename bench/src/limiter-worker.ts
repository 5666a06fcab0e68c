// One worker process of the measurement: works until its input ends.
import { heedFor, type Told } from "./limiter-heed.ts";
import { openStorage } from "./places.ts";

const told = JSON.parse(process.argv[2] ?? "{}") as Told;
const storage = openStorage(told.place);
const heed = heedFor(told, storage);
heed.on("work.failed", ({ error }) => console.error(error));
heed.work.start();
console.log("working");
for await (const _ of process.stdin);
// What is in hand waits for turns: the storage knows what is left.
process.exit(0);
