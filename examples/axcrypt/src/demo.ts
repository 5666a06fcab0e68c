// AxCrypt's published policy, kept: letters, one click, a withdrawal, cards, erasures, a crash, and a search.
import { askOn } from "./demo/ask.ts";
import { demonstrate } from "./demo/demonstrate.ts";

const interruption = new AbortController();
// The second time it ends at once.
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => interruption.abort());
process.exitCode = await demonstrate({
  env: process.env,
  args: process.argv.slice(2),
  ask: askOn(process.stdin, process.stdout),
  interrupted: interruption.signal,
});
