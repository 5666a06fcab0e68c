import { spawn, type ChildProcess } from "node:child_process";
import { createWriteStream, type WriteStream } from "node:fs";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { WorkerConfig } from "./worker.ts";

/** What a worker says of a step. */
export interface StepNews {
  readonly stepId: string;
  readonly processor: string;
  readonly operation: string;
  readonly ended: boolean;
}

/** A worker in a process of its own. */
export interface WorkerProcess {
  readonly pid: number | undefined;
  /** Drops it dead, as a power cut would: SIGKILL. */
  kill(): Promise<void>;
  /** Asks it to end, and waits. */
  stop(): Promise<void>;
}

/**
 * Starts a worker. Everything that it prints goes to its log, and what it says of steps to `onStep`.
 *
 * @param interrupted drops it dead when aborted
 */
export function startWorker(
  config: WorkerConfig,
  keys: string,
  logFile: string,
  onStep: (news: StepNews) => void,
  interrupted: AbortSignal,
): WorkerProcess {
  interrupted.throwIfAborted();
  const child: ChildProcess = spawn(
    process.execPath,
    ["-C", "@heed/source", fileURLToPath(new URL("worker.ts", import.meta.url))],
    {
      env: { ...process.env, HEED_KEYS: keys, AXCRYPT_WORKER: JSON.stringify(config) },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  const log: WriteStream = createWriteStream(logFile, { flags: "a" });
  child.stderr?.pipe(log, { end: false });
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on("line", (line) => {
      log.write(`${line}\n`);
      const news = JSON.parse(line) as StepNews;
      if ("stepId" in news) onStep(news);
    });
  }
  const ended = once(child, "exit");
  const drop = () => child.kill("SIGKILL");
  interrupted.addEventListener("abort", drop, { once: true });
  const end = async (signal: "SIGKILL" | "SIGTERM") => {
    child.kill(signal);
    await ended;
    interrupted.removeEventListener("abort", drop);
    log.end();
    await once(log, "finish");
  };
  return { pid: child.pid, kill: () => end("SIGKILL"), stop: () => end("SIGTERM") };
}
