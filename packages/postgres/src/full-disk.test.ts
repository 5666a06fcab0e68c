import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it, onTestFinished } from "vitest";

const program = fileURLToPath(new URL("../test/full-disk.ts", import.meta.url));

/** Runs a command where it alone sees a small disk: in a namespace of its own, as root or as a user who may make one. */
function onSmallDisk(directory: string, command: string): readonly [string, readonly string[]] {
  const script = `mount -t tmpfs -o size=200m tmpfs '${directory}' && exec ${command}`;
  return ["unshare", [process.getuid?.() === 0 ? "-m" : "-Urm", "sh", "-c", script]];
}

/** A server of its own is needed: PostgreSQL runs neither as root nor as a user who is taken for root. */
function canMount(): boolean {
  if (process.env["HEED_TEST_DATABASE_URL"] !== undefined || process.getuid?.() !== 0) return false;
  const directory = mkdtempSync(join(tmpdir(), "heed-disk-"));
  try {
    const [file, options] = onSmallDisk(directory, "true");
    execFileSync(file, options, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

it.skipIf(!canMount())(
  "a server whose disk is full costs nothing that was acknowledged, and takes choices again when there is room",
  { timeout: 60_000 },
  async () => {
    const directory = mkdtempSync(join(tmpdir(), "heed-disk-"));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const command = `'${process.execPath}' -C @heed/source '${program}'`;
    const [file, options] = onSmallDisk(directory, command);
    const { stdout } = await promisify(execFile)(file, options, {
      env: { ...process.env, TMPDIR: directory },
    });
    const seen = JSON.parse(stdout) as { readonly acknowledged: number };
    expect(seen).toEqual({
      acknowledged: expect.any(Number) as number,
      refusal: {
        code: "storage-failed",
        message: expect.stringMatching(/53100, and nothing of this was stored\. .*disk is full/) as string,
      },
      whileFull: ["not-given", "never-asked"],
      mended: true,
      states: ["not-given"],
      // The one before, those that were acknowledged, and the one that was refused and asked again.
      events: seen.acknowledged + 2,
    });
    expect(seen.acknowledged).toBeGreaterThan(0);
    expect(stdout).not.toContain("canary");
  },
);
