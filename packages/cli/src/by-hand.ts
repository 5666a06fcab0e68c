import { ConflictError, type Heed } from "@heed/core";
import { counted } from "./amounts.ts";
import { withHeed } from "./load-heed.ts";
import { configured, optionsOf } from "./options.ts";
import type { ExitCode, Terminal } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";

/** `heed acknowledge <step>`: a human did what the step asked for. */
export async function acknowledge(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const takes = "heed acknowledge takes the id of one step and --config, and nothing else.";
  const { values, positionals } = optionsOf(args, configured, takes, { atMost: 1 });
  const [id] = positionals;
  if (id === undefined) throw new UsageError(takes);
  const { state } = await withHeed(values.config, (heed) => heed.steps.acknowledge(id));
  terminal.stdout.write(`${state}\n`);
  return 0;
}

/** `heed retry <step>`, or `--all`: what failed or went to a human is tried again by whoever works. */
export async function retry(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const takes = "heed retry takes the id of one step, or --all, and --config, and nothing else.";
  const { values, positionals } = optionsOf(
    args,
    { ...configured, all: { type: "boolean", default: false } },
    takes,
    { atMost: 1 },
  );
  const [id] = positionals;
  if ((id === undefined) !== values.all) throw new UsageError(takes);
  return withHeed(values.config, async (heed) => {
    if (id !== undefined) {
      const { state } = await heed.steps.retry(id);
      terminal.stdout.write(`${state}: heed work carries it out\n`);
      return 0;
    }
    const { retried, left } = await retryAll(heed);
    terminal.stdout.write(`${counted(retried, "step")} to be tried again: heed work carries them out\n`);
    if (left > 0)
      terminal.stderr.write(`heed: ${counted(left, "step")} could not be tried again now: see heed todo\n`);
    return left === 0 ? 0 : 1;
  });
}

/** Each once, though a worker may park some of them again meanwhile. One that is refused (an erasure runs) is left. */
async function retryAll(heed: Heed): Promise<{ readonly retried: number; readonly left: number }> {
  const seen = new Set<string>();
  let left = 0;
  for (;;) {
    const steps = (await heed.steps.parked({ limit: 1_000 })).filter(({ id }) => !seen.has(id));
    if (steps.length === 0) return { retried: seen.size - left, left };
    for (const { id } of steps) {
      seen.add(id);
      await heed.steps.retry(id).catch((error: unknown) => {
        if (!(error instanceof ConflictError)) throw error;
        left += 1;
      });
    }
  }
}
