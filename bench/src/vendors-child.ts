// Works off everybody's wish at one vendor on a virtual clock. Arguments: what, how many people. Prints what it took.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sqlite } from "@heed/sqlite";
import type { VendorsSeen, VendorsWork } from "./vendors.ts";
import { worksAtHubspot } from "./vendors/hubspot.ts";
import { worksAtStripe } from "./vendors/stripe.ts";

const [what, people = "0", callsExpected = "0"] = process.argv.slice(2);
const count = Number(people);
const heap: number[] = [];
const sampleEach = Math.ceil(Number(callsExpected) / 10);

function onCall(calls: number): void {
  if (calls % sampleEach !== 0) return;
  globalThis.gc?.();
  heap.push(process.memoryUsage().heapUsed);
}

// The disk is not measured: a file in memory where there is such a place.
const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "heed-bench-"));
try {
  const storage = sqlite(join(folder, "heed.db"));
  const kind = what as VendorsWork;
  const watch =
    kind === "stripe.forget"
      ? await worksAtStripe(count, storage, onCall)
      : await worksAtHubspot(kind, count, storage, onCall);
  const { calls, refused, windowMax, elapsedMs } = watch;
  const seen: VendorsSeen = { calls, refused, windowMax, elapsedMs, heap };
  console.log(JSON.stringify(seen));
} finally {
  rmSync(folder, { recursive: true });
}
