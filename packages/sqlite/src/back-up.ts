import { link, open, unlink } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import { Worker } from "node:worker_threads";
import { HeedError } from "@heed/core/storage";

/** Pages copied between two looks at whatever else wants the thread pool. */
const pagesAtOnce = 500;

/**
 * Reads the whole copy back: a large one takes seconds, which are not the event loop's. It also leaves the copy
 * as one file, with no write-ahead log beside it.
 */
const inspect = `
const { parentPort, workerData } = require("node:worker_threads");
const { DatabaseSync } = require("node:sqlite");
const database = new DatabaseSync(workerData);
database.exec("PRAGMA journal_mode = DELETE");
const found = database.prepare("PRAGMA integrity_check").all().map((row) => row.integrity_check);
database.close();
parentPort.postMessage(found.length === 1 && found[0] === "ok");
`;

function isWhole(file: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(inspect, { eval: true, workerData: file });
    worker.once("message", resolve).once("error", reject);
  });
}

async function sync(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Nothing was copied: says what stands in the way. */
function notBegun(draft: string, cause: unknown): HeedError {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  let advice = "See that this process may write to the directory.";
  if (code === "ENOENT") advice = "There is no such directory: make it, or look for a slip in the path.";
  if (code === "EEXIST")
    advice = `${draft} is there: another back-up of this name is being made, or was killed. If it was, remove that file; it holds what the database does.`;
  return new HeedError(`The back-up could not be begun. ${advice}`, { code: "backup-failed", cause });
}

/**
 * Copies the database as it is at this moment, while others go on reading and writing: a read transaction of
 * its own connection keeps the pages that it copies. The copy bears its name only when it is whole, on the
 * disk and read back. Readable to its owner alone.
 *
 * @throws HeedError `backup-exists`, `backup-failed`
 */
export async function backUp(file: string, to: string): Promise<void> {
  const target = resolve(to);
  const draft = `${target}.part`;
  const failed = (cause?: unknown) =>
    new HeedError("The back-up could not be made. What was copied is removed again.", {
      code: "backup-failed",
      ...(cause === undefined ? {} : { cause }),
    });
  try {
    await (await open(draft, "wx", 0o600)).close();
  } catch (cause) {
    throw notBegun(draft, cause);
  }
  try {
    const source = new DatabaseSync(file, { readOnly: true, timeout: 0 });
    try {
      source.exec("BEGIN");
      source.prepare("SELECT count(*) FROM sqlite_schema").get();
      await backup(source, draft, { rate: pagesAtOnce });
    } finally {
      source.close();
    }
    if (!(await isWhole(draft))) throw failed();
    await sync(draft);
    // Unlike a rename, this overwrites nothing.
    await link(draft, target);
    await sync(dirname(target));
  } catch (cause) {
    if (cause instanceof HeedError) throw cause;
    if (cause instanceof Error && "code" in cause && cause.code === "EEXIST") {
      throw new HeedError("There is a file of this name already. A back-up overwrites nothing.", {
        code: "backup-exists",
      });
    }
    throw failed(cause);
  } finally {
    await unlink(draft);
  }
}
