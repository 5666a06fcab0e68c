import { once } from "node:events";
import { isHeedError, type Heed } from "@heed/core";
import { counted } from "./amounts.ts";
import { journalOf } from "./journal-of.ts";
import { loadHeed } from "./load-heed.ts";
import { heldAdvice } from "./needs-human.ts";
import { configured, optionsOf } from "./options.ts";
import type { ExitCode, Terminal } from "./terminal.ts";

/**
 * `heed work`: carries steps out until it is told to stop, and prints a line for each that settles. On SIGTERM
 * or SIGINT it takes nothing new and ends what it has in hand; a second one ends it at once, which loses
 * nothing either: another worker takes over.
 *
 * On a restored database it says what is held, waits, and goes on once `heed restore` has ended. With `--once` it
 * ends with 1 there, for nothing was carried out, and where a step went to a human or something failed.
 */
export async function work(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const { values } = optionsOf(
    args,
    { ...configured, once: { type: "boolean", default: false } },
    "heed work takes --config and --once, and nothing else.",
  );
  const heed = await loadHeed(values.config);
  const say = (line: string) => terminal.stdout.write(`${new Date().toISOString()} ${line}\n`);
  let parked = 0;
  heed.on("step.settled", ({ stepId, processor, operation, state, phase, because, ended }) => {
    if (ended && (state === "failed" || state === "manual")) parked += 1;
    const what = ended ? state : `goes on: ${phase}`;
    say(`${processor} ${operation} ${what}${because === undefined ? "" : ` (${because})`} ${stepId}`);
  });
  heed.on("request.changed", ({ requestId, state }) => say(`request ${state} ${requestId}`));
  let hasFailed = false;
  let hasHinted = false;
  heed.on("work.failed", ({ error, processor, operation }) => {
    hasFailed = true;
    let more = ownWords(error);
    if (more === undefined) {
      more = hasHinted ? "" : howToSee;
      hasHinted = true;
    }
    terminal.stderr.write(`heed: work failed${about(processor, operation)}: ${nameOf(error)}${more}\n`);
  });
  const held = await whatIsHeld(heed);
  if (values.once) {
    if (held !== undefined) terminal.stderr.write(`heed: ${held}\n`);
    const { settled, open } = await heed.work.drain();
    say(`${settled} settled, ${open} open`);
    await heed.close();
    if (parked > 0)
      terminal.stderr.write(`heed: ${counted(parked, "step")} went to a human: see heed todo.\n`);
    return hasFailed || parked > 0 || held !== undefined ? 1 : 0;
  }
  if (held !== undefined) terminal.stderr.write(`heed: ${held} This worker waits, and goes on by itself.\n`);
  heed.work.start();
  say("working; SIGTERM or Ctrl-C stops");
  const signal = await Promise.race(
    ["SIGTERM", "SIGINT"].map(async (name) => once(process, name).then(() => name)),
  );
  say(`${signal}: taking nothing new, ending what is in hand`);
  for (const name of ["SIGTERM", "SIGINT"]) process.once(name, () => process.exit(1));
  await heed.close();
  say("stopped");
  return 0;
}

/** What heed itself says of a failure: it quotes nobody. What a processor threw may be a vendor's text, and quote. */
function ownWords(error: unknown): string | undefined {
  return isHeedError(error) && !("processor" in error) ? `. ${error.message}` : undefined;
}

/** Said once: the error itself is nothing to print unasked. */
const howToSee = `. This error is not printed, for it may quote somebody. To see such errors, put heed.on("work.failed", ({ error }) => console.error(error)) into the configuration.`;

/** Whoever cannot look now is told why by the work itself, which fails at the same. */
async function whatIsHeld(heed: Heed): Promise<string | undefined> {
  const journal = await journalOf(heed).catch(() => undefined);
  return journal?.state === "restore-needed" ? heldAdvice(journal) : undefined;
}

function about(processor: string | undefined, operation: string | undefined): string {
  if (processor === undefined) return "";
  return ` at ${processor}${operation === undefined ? "" : ` (${operation})`}`;
}

function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return "something that is no error was thrown";
  return "code" in error && typeof error.code === "string" ? `${error.name} ${error.code}` : error.name;
}
