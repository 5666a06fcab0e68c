// One worker process of the measurement: works until its input ends.
import { heedFor, openTold, type Told } from "./limiter-heed.ts";

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the measuring process wrote it
const told = JSON.parse(process.argv[2] ?? "{}") as Told;
const storage = await openTold(told);
const heed = heedFor(told, storage);
heed.on("work.failed", ({ error }) => console.error(error));
heed.work.start();
console.log("working");
for await (const _ of process.stdin);
// What is in hand waits for turns: the storage knows what is left.
process.exit(0);
