// Holds the write lock for so many milliseconds, and prints a line when it has it.
import { writeSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as timer } from "node:timers/promises";

const [file = "", holdMs = "0"] = process.argv.slice(2);
const database = new DatabaseSync(file);
database.exec("BEGIN IMMEDIATE");
writeSync(1, "held\n");
await timer(Number(holdMs));
database.exec("COMMIT");
database.close();
