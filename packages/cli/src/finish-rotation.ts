import type { RotationProgress } from "@heed/core";
import { counted } from "./amounts.ts";
import { withHeed } from "./load-heed.ts";
import { progressOn } from "./progress.ts";
import type { ExitCode, Terminal } from "./terminal.ts";

/**
 * `heed keys --finish`: writes anew under the active key what lies in storage under others, while everything goes
 * on. SIGTERM and SIGINT end it between two transactions, and the next call goes on there. Ends with 1 until
 * everything is written and the bytes of before are gone.
 */
export async function finishRotation(config: string | undefined, terminal: Terminal): Promise<ExitCode> {
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  for (const name of ["SIGTERM", "SIGINT"]) process.once(name, onSignal);
  const progress = progressOn(terminal);
  const rotated = await withHeed(config, (heed) =>
    heed.keys
      .rotate({ signal: stop.signal, onProgress: (done) => progress.tell(written(done)) })
      .finally(() => progress.end()),
  ).finally(() => {
    for (const name of ["SIGTERM", "SIGINT"]) process.off(name, onSignal);
  });
  terminal.stdout.write(`${written(rotated)}\n`);
  if (!rotated.isComplete)
    terminal.stdout.write("stopped before the end: the same command goes on from here\n");
  else if (!rotated.isScrubbed)
    terminal.stdout.write(
      "somebody reads the storage's files, so the bytes of before are not gone yet: run it again later\n",
    );
  return rotated.isComplete && rotated.isScrubbed ? 0 : 1;
}

function written({ dataKeys, identifiers, suppressions }: RotationProgress): string {
  const parts = [
    counted(dataKeys, "data key"),
    counted(identifiers, "identifier"),
    counted(suppressions, "suppression"),
  ];
  return `written anew under the active key: ${parts.join(", ")}`;
}
