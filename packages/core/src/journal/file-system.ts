import { open, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";

/** The mode of a file that only its owner may read. */
const ownerOnly = 0o600;

export function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

/** Undefined where there is no such file. */
export async function withFile<T>(
  path: string,
  flags: string,
  work: (file: FileHandle) => Promise<T>,
): Promise<T | undefined> {
  const file = await open(path, flags).catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  });
  try {
    return file === undefined ? undefined : await work(file);
  } finally {
    await file?.close();
  }
}

/** Makes a file, and has it on the disk. */
export async function writeWhole(path: string, chunks: readonly Buffer[]): Promise<void> {
  const file = await open(path, "wx", ownerOnly);
  try {
    for (const chunk of chunks) await file.writeFile(chunk);
    await file.datasync();
  } finally {
    await file.close();
  }
}

/** Has the name of a file on the disk. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(dirname(path), "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
