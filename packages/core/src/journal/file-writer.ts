import { randomUUID } from "node:crypto";
import { constants, statSync, writeSync } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { lineOf } from "./record-line.ts";
import type { JournalPlace, JournalRecord } from "./journal.ts";

/** One opening of the file to append to. Its numbers have no gap: after a failure, another writer begins. */
interface Opening {
  readonly id: string;
  readonly file: FileHandle;
  readonly inode: number;
  next: number;
  /** What was before may have been cut short, so the first line begins on a line of its own. */
  isFirst: boolean;
}

/** How often in a row the file may have been replaced by another process before that counts as a failure. */
const mostReplaced = 5;

/** Appends to a journal's file, a batch of records with one `write` and one `fdatasync`. One batch at a time. */
export class JournalWriter {
  readonly #path: string;
  #opening: Opening | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Resolves when the records are on the disk, in the file that is in the place now. */
  async write(records: readonly JournalRecord[]): Promise<readonly JournalPlace[]> {
    try {
      for (let replaced = 0; replaced <= mostReplaced; replaced += 1) {
        const places = await this.#writeOnce(records);
        if (places !== undefined) return places;
        await this.close();
      }
      throw new RangeError("the file kept being replaced");
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** The next batch opens the file again. */
  async close(): Promise<void> {
    const { file } = this.#opening ?? {};
    this.#opening = undefined;
    await file?.close().catch(() => {});
  }

  /** Undefined when another process has put another file in the place meanwhile. */
  async #writeOnce(records: readonly JournalRecord[]): Promise<readonly JournalPlace[] | undefined> {
    const opening = (this.#opening ??= await this.#open());
    const { id, file, inode, next } = opening;
    const places = records.map((_, index) => ({ writer: id, number: next + index }));
    const lines = records.map((record, index) => lineOf(record, places[index]!));
    const bytes = Buffer.concat(opening.isFirst ? [Buffer.from("\n"), ...lines] : lines);
    // To memory only, so at once: what takes time is the sync, and it is the one trip through the thread pool.
    if (writeSync(file.fd, bytes) < bytes.length)
      throw new RangeError("the disk took a part of the record only");
    await file.datasync();
    opening.next += records.length;
    opening.isFirst = false;
    const now = statSync(this.#path, { throwIfNoEntry: false });
    return now?.ino === inode ? places : undefined;
  }

  /** A file that is gone is not made again: it would not say whose journal it is. */
  async #open(): Promise<Opening> {
    const file = await open(this.#path, constants.O_WRONLY | constants.O_APPEND);
    const { ino } = await file.stat();
    return { id: randomUUID(), file, inode: ino, next: 1, isFirst: true };
  }
}
