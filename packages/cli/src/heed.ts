#!/usr/bin/env node
import { run } from "./run.ts";

let isCutShort = false;
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error) => {
    // Whoever read along is gone, which is no reason to leave work where it is.
    if ("code" in error && error.code === "EPIPE") return;
    isCutShort = true;
    process.exitCode = 1;
    if (stream === process.stdout)
      process.stderr.write("heed: The output could not be written: look for a full disk.\n");
  });
}
const code = await run(process.argv.slice(2), process);
process.exitCode = isCutShort ? 1 : code;
// What the configuration opened (a pool, a client of a cache), or a call that never answered, would keep the process.
for (const stream of [process.stdout, process.stderr])
  if (stream.writableLength > 0) await new Promise<void>((resolve) => stream.write("", () => resolve()));
// Not at once: a stream tells of its failure after the write has ended.
setImmediate(() => process.exit());
