import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";

const script = "process.stdout.write(require('node:fs').readFileSync(process.argv[1]))";

/**
 * Everything in the database's files. Another process reads them: closing a file here would drop the locks
 * that SQLite holds on it for this process.
 */
export function bytesOnDisk(file: string): Buffer {
  const files = [file, `${file}-wal`, `${file}-shm`].filter((each) => existsSync(each));
  return Buffer.concat(
    files.map((each) => execFileSync(process.execPath, ["-e", script, each], { maxBuffer: 2 ** 30 })),
  );
}
