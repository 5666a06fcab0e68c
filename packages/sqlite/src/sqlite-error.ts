import { ConflictError, HeedError } from "@heed/core/storage";

/** Primary result codes, https://sqlite.org/rescode.html. */
const busy = 5;
const constraint = 19;

/** What to do about the failures that somebody can mend, by primary result code. */
const remedies: Readonly<Record<number, string>> = {
  8: " Nothing of this was written. See that this process may write to the file and to its directory.",
  11: " The file is damaged, or was replaced while a process had it open. To put a back-up in its place, end every process that uses it, and remove the file's -wal and -shm first.",
  13: " Nothing of this was written. Free some space, and try again.",
  14: " See that this process may write to the file and to its directory.",
  26: " The file is not one of heed's, or was damaged: look for a slip in its path, or put a back-up in its place.",
};

interface SqliteError extends Error {
  /** The extended result code; its low byte is the primary one. */
  readonly errcode: number;
  readonly errstr: string;
}

function isSqliteError(error: unknown): error is SqliteError {
  return error instanceof Error && "errcode" in error && typeof error.errcode === "number";
}

/** Whether another connection held what was asked for. Trying again later may succeed. */
export function isBusy(error: unknown): boolean {
  return isSqliteError(error) && (error.errcode & 0xff) === busy;
}

/**
 * SQLite's error in heed's words: `duplicate-row`, `storage-busy` or `storage-failed`. SQLite names tables and
 * columns and quotes no value, so its own error may be the cause. Any other error is given back as it is.
 */
export function translated(error: unknown): unknown {
  if (!isSqliteError(error)) return error;
  if ((error.errcode & 0xff) === constraint && error.message.startsWith("UNIQUE")) {
    const columns = error.message.replace(/^.*: /, "").replaceAll("heed_", "");
    return new ConflictError(`A row with the same ${columns} is there already.`, {
      code: "duplicate-row",
      cause: error,
    });
  }
  if (isBusy(error)) {
    return new HeedError(
      "Another connection is writing, or has written since this transaction began to read. Try again; an " +
        "application's transaction begins with BEGIN IMMEDIATE.",
      { code: "storage-busy", cause: error },
    );
  }
  const remedy = remedies[error.errcode & 0xff] ?? "";
  return new HeedError(`SQLite failed: ${error.errstr}.${remedy}`, { code: "storage-failed", cause: error });
}
