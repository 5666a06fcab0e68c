// Works off everybody's wish at one vendor on a virtual clock. Arguments: what, how many people, how many calls that
// may take, the database's file. Prints what it took.
import { sqlite } from "@heed/sqlite";
import type { VendorsSeen, VendorsWork } from "./vendors.ts";
import { worksAtHubspot } from "./vendors/hubspot.ts";
import { worksAtStripe } from "./vendors/stripe.ts";

const [what, people = "0", callsExpected = "0", file = ""] = process.argv.slice(2);
const count = Number(people);
const heap: number[] = [];
const sampleEach = Math.ceil(Number(callsExpected) / 10);

function onCall(calls: number): void {
  if (calls % sampleEach !== 0) return;
  globalThis.gc?.();
  heap.push(process.memoryUsage().heapUsed);
}

const kind = what as VendorsWork;
const storage = sqlite(file);
const { calls, refused, windowMax, elapsedMs } =
  kind === "stripe.forget"
    ? await worksAtStripe(count, storage, onCall)
    : await worksAtHubspot(kind, count, storage, onCall);
const seen: VendorsSeen = { calls, refused, windowMax, elapsedMs, heap };
console.log(JSON.stringify(seen));
