import { counted } from "./amounts.ts";
import { CommandError } from "./command-error.ts";
import { withHeed } from "./load-heed.ts";
import { configured, optionsOf } from "./options.ts";
import { progressOn } from "./progress.ts";
import type { ExitCode, Terminal } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";
import { writeNew } from "./write-new.ts";

const takes = "heed evidence takes the new file and --config, and nothing else.";

/** How much goes to the file at once, in characters. */
const chunkLength = 1 << 16;

/**
 * `heed evidence <to>`: writes the whole log to a new file, a line of JSON for each checkpoint and each entry. With
 * the public keys, `heed verify <file>` checks it where there is neither database nor keyring.
 */
export async function evidence(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const { values, positionals } = optionsOf(args, configured, takes, { atMost: 1 });
  const [to] = positionals;
  if (to === undefined) throw new UsageError(takes);
  const progress = progressOn(terminal);
  let lines = 0;
  await withHeed(values.config, async (heed) => {
    if ((await heed.evidence.checkpoint()) === undefined)
      throw new CommandError(
        "Nothing is sealed yet, so there is no log. It is sealed while heed work runs, within a minute as a rule.",
      );
    const told = (count: number) => {
      lines += count;
      progress.tell(`wrote ${counted(lines, "line")}`);
    };
    await writeNew(to, chunksOf(heed.evidence.lines(), told), "A log");
  }).finally(() => progress.end());
  terminal.stdout.write(
    `${counted(lines, "line")}: check them with heed verify <file> --keys <public keys>\n`,
  );
  return 0;
}

/** @param told how many lines went into a chunk */
async function* chunksOf(
  lines: AsyncIterable<string>,
  told: (count: number) => void,
): AsyncGenerator<string> {
  let chunk = "";
  let count = 0;
  for await (const line of lines) {
    chunk += `${line}\n`;
    count += 1;
    if (chunk.length < chunkLength) continue;
    yield chunk;
    told(count);
    [chunk, count] = ["", 0];
  }
  yield chunk;
  told(count);
}
