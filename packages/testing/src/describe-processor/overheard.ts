import { channel } from "node:diagnostics_channel";
import { setImmediate as turn } from "node:timers/promises";
import { format, inspect } from "node:util";

const methods = ["debug", "error", "info", "log", "trace", "warn", "dir", "table"] as const;
const traced = ["batch", "claim", "call", "settle"].flatMap((kind) =>
  ["start", "end", "asyncStart", "asyncEnd", "error"].map((moment) => `tracing:heed:${kind}:${moment}`),
);

/**
 * What a process says aloud while the work goes on: on the console, its outputs, as warnings, and on heed's channels, which
 * are what logs, metrics and spans are made of.
 */
export async function overheard(work: () => Promise<void>): Promise<readonly string[]> {
  const heard: string[] = [];
  const undo: (() => void)[] = [];
  for (const method of methods) {
    const original = console[method];
    console[method] = (...said: unknown[]) => void heard.push(format(...said));
    undo.push(() => void (console[method] = original));
  }
  for (const stream of [process.stdout, process.stderr]) {
    const original = stream.write.bind(stream);
    stream.write = (said: string | Uint8Array) => {
      heard.push(Buffer.from(said).toString("utf8"));
      return true;
    };
    undo.push(() => void (stream.write = original));
  }
  const warned = (warning: Error) => void heard.push(inspect(warning, { depth: 12 }));
  process.on("warning", warned);
  undo.push(() => void process.off("warning", warned));
  const traces = (message: unknown) => void heard.push(inspect(message, { depth: 12 }));
  for (const name of traced) {
    channel(name).subscribe(traces);
    undo.push(() => channel(name).unsubscribe(traces));
  }
  try {
    await work();
    // Warnings come a turn later.
    await turn();
    await turn();
  } finally {
    for (const each of undo) each();
  }
  return heard;
}
