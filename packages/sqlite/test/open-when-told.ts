// Waits for a line, so that several of these begin together, then opens the file and uses it once.
import { once } from "node:events";
import { writeSync } from "node:fs";
import { sqlite } from "../src/sqlite.ts";

const [file = ""] = process.argv.slice(2);
writeSync(1, "ready\n");
await once(process.stdin, "data");
const storage = sqlite(file);
await storage.due({ namespace: "acme", now: "2026-06-01T00:00:00.000Z", max: 1 });
await storage.close();
process.exit();
