// Adds one to a counter, so many times: half of them one by one, half of them all at once.
import { systemClock } from "@heed/core";
import { sqlite } from "../src/sqlite.ts";

const untouched = { arrival: 0, arrival1: 0, arrival2: 0, pushedBackUntil: 0, used: 0, usedUntil: 0 };
const [file = "", times = "0"] = process.argv.slice(2);
const storage = sqlite(file);

function increment(): Promise<void> {
  return storage.transact({
    lock: [],
    read: { counter: { from: "limits", where: { bucket: "counter" } } },
    clock: systemClock,
    decide: ({ counter }) => ({
      writes: [
        { insert: "limits", row: { bucket: "counter", ...untouched }, orKeep: true },
        {
          update: "limits",
          where: { bucket: "counter" },
          set: { arrival: (counter[0]?.arrival ?? 0) + 1 },
        },
      ],
      answer: undefined,
    }),
  });
}

for (let n = 0; n < Number(times) / 2; n += 1) await increment();
await Promise.all(Array.from({ length: Number(times) / 2 }, increment));
await storage.close();
