import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

const bin = fileURLToPath(new URL("../src/heed.ts", import.meta.url));

/** What each command has in its environment besides its own: Node compiles nothing anew, and says nothing of itself. */
export const quietly = { NODE_NO_WARNINGS: "1", NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"] };

/** How a command ended, and what it said. */
export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command as a process of its own, with nothing of this one's environment. */
export async function runCommand(
  directory: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  timeoutMs = 60_000,
): Promise<Ended> {
  const child = spawn(process.execPath, ["-C", "@heed/source", bin, ...args], {
    cwd: directory,
    env: { ...env, ...quietly },
    timeout: timeoutMs,
  });
  const [[status], stdout, stderr] = await Promise.all([
    once(child, "close"),
    text(child.stdout),
    text(child.stderr),
  ]);
  return { status: status as number | null, stdout, stderr };
}
