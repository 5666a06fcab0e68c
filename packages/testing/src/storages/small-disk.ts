import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/** Runs a command where it alone sees a small disk: in a namespace of its own, as root or as a user who may make one. */
function mounted(directory: string, megabytes: number, command: string): [string, readonly string[]] {
  const script = `mount -t tmpfs -o size=${megabytes}m tmpfs '${directory}' && exec ${command}`;
  return ["unshare", [process.getuid?.() === 0 ? "-m" : "-Urm", "sh", "-c", script]];
}

const newDirectory = (): string => mkdtempSync(join(tmpdir(), "heed-disk-"));

/** Whether {@link onSmallDisk} can run here: Linux, with leave to mount. */
export function canMount(): boolean {
  const directory = newDirectory();
  try {
    execFileSync(...mounted(directory, 1, "true"), { stdio: "ignore" });
    return true;
  } catch {
    return false;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Runs a program of a package's tests on a disk of so many megabytes, which is its `TMPDIR`. @returns what it printed */
export async function onSmallDisk(program: string, megabytes: number): Promise<string> {
  const directory = newDirectory();
  try {
    const command = `'${process.execPath}' -C @heed/source '${program}' '${directory}'`;
    const env = { ...process.env, TMPDIR: directory };
    return (await promisify(execFile)(...mounted(directory, megabytes, command), { env })).stdout;
  } finally {
    rmSync(directory, { recursive: true });
  }
}
