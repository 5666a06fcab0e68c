// Stands still in the middle of a transaction, with its locks, as under SIGSTOP. Arguments: connection string, schema, lock, for how long.
import { systemClock } from "@heed/core";
import { postgres } from "../src/postgres.ts";

const [connectionString = "", schema = "", lock = "", ms = ""] = process.argv.slice(2);
const storage = postgres({ connectionString, schema });
let tries = 0;
await storage.transact({
  lock: [lock],
  read: {},
  clock: systemClock,
  decide: () => {
    tries += 1;
    console.log(`try ${tries}`);
    // Nothing of this process goes on.
    if (tries === 1) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(ms));
    const row = { id: "late", namespace: "acme", createdAt: "", frozenBy: null };
    return { writes: [{ insert: "subjects", row }], answer: undefined };
  },
});
console.log("stored");
await storage.close();
