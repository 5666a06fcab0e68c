// Commits numbered transactions without end, and prints each number once it was acknowledged.
import { writeSync } from "node:fs";
import { systemClock } from "@heed/core";
import { sqlite } from "../src/sqlite.ts";

const untouched = { arrival: 0, arrival1: 0, arrival2: 0, pushedBackUntil: 0, used: 0, usedUntil: 0 };
const [file = "", first = "0", keysFile] = process.argv.slice(2);
const storage = sqlite(keysFile === undefined ? file : { file, keysFile });

async function commit(id: string): Promise<void> {
  await storage.transact({
    lock: [],
    read: { counter: { from: "limits", where: { bucket: "committed" } } },
    clock: systemClock,
    decide: ({ counter }, now) => ({
      writes: [
        { insert: "subjects", row: { id, namespace: "acme", createdAt: now, frozenBy: null } },
        { insert: "limits", row: { bucket: "committed", ...untouched }, orKeep: true },
        {
          update: "limits",
          where: { bucket: "committed" },
          set: { arrival: (counter[0]?.arrival ?? 0) + 1 },
        },
        // Large, so that the log grows and is moved into the database while transactions go on.
        { insert: "dataKeys", row: { owner: id, wrapped: new Uint8Array(5000).fill(7), keyId: "k1" } },
      ],
      answer: undefined,
    }),
  });
  writeSync(1, `${id}\n`);
}

for (let n = Number(first); ; n += 3) {
  await Promise.all([commit(String(n)), commit(String(n + 1)), commit(String(n + 2))]);
}
