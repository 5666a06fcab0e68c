import { link, rename, stat, unlink } from "node:fs/promises";
import { resolve } from "node:path";
import { HeedError } from "../errors/heed-error.ts";
import { lastLine, linesOf } from "./file-lines.ts";
import { syncDirectory, withFile } from "./file-system.ts";
import { beginFile, blankIn, draftSince, identityIn, recordsIn } from "./journal-file.ts";
import { JournalWriter } from "./file-writer.ts";
import { journalLine, type LineHead } from "./record-line.ts";
import type { Journal, JournalPlace, JournalRecord } from "./journal.ts";

interface Appending {
  readonly record: JournalRecord;
  resolve(place: JournalPlace): void;
  reject(error: unknown): void;
}

/**
 * A journal in one append-only file. Put it on another disk than the database: it is what is left when that
 * is lost. Any number of processes of one machine append to it, each batch with one `write` and one
 * `fdatasync`, and nobody is answered before. Readable to its owner alone.
 *
 * A line that a crash cut short is passed over; a line that was changed is refused (`journal-damaged`).
 *
 * @param path its directory must exist. Name an absolute path: a process that starts in another folder would begin another
 * @example createHeed({ …, journal: fileJournal("/mnt/other-disk/heed.journal") })
 */
export function fileJournal(path: string): Journal {
  if (typeof path !== "string" || path === "") throw new TypeError("fileJournal() takes the path of a file.");
  const place = resolve(path);
  const former = `${place}.old`;
  const writer = new JournalWriter(place);
  const queue: Appending[] = [];
  let last: Promise<unknown> = Promise.resolve();
  /** A flush will come to what is in the queue. */
  let isFlushing = false;

  /** One after another: what this process does with the file. */
  function alone<T>(work: () => Promise<T>): Promise<T> {
    const done = last.then(work);
    last = done.catch(() => {});
    return done;
  }

  async function flush(): Promise<void> {
    isFlushing = false;
    while (queue.length > 0) {
      const batch = queue.splice(0);
      try {
        const places = await writer.write(batch.map(({ record }) => record));
        batch.forEach((each, index) => each.resolve(places[index]!));
      } catch (cause) {
        for (const each of batch) each.reject(failed(cause));
      }
    }
  }

  function wake(): void {
    if (isFlushing) return;
    isFlushing = true;
    void alone(flush);
  }

  /** Brings over what was appended to, or blanked in, the file that a compaction has replaced. */
  async function takeOver(): Promise<void> {
    const known = new Set<string>();
    const dropped = (await identityIn(place))?.dropped ?? {};
    await withFile(place, "r", async (file) => {
      for await (const line of linesOf(file)) known.add(String(line.head["id"]));
    });
    const blanked = new Set<string>();
    const missing: JournalRecord[] = [];
    const isThere = await withFile(former, "r", async (file) => {
      for await (const line of linesOf(file)) {
        if (!("writer" in line.head)) continue;
        const { writer: by, number, record, forgotten } = journalLine(line);
        for (const owner of forgotten) blanked.add(owner);
        if (!known.has(record.id) && number > (dropped[by] ?? 0)) missing.push(record);
      }
      return true;
    });
    if (isThere === undefined) return;
    if (missing.length > 0) {
      await writer.close();
      await writer.write(missing);
    }
    if (blanked.size > 0) await blankIn(place, [...blanked]);
    await unlink(former);
    await syncDirectory(place);
  }

  return {
    open: (begun) =>
      alone(() =>
        telling(async () => {
          await takeOver();
          const found = await identityIn(place);
          if (found !== undefined || begun === undefined) return found;
          await beginFile(place, begun);
          return identityIn(place);
        }),
      ),
    last: () => telling(async () => (await withFile(place, "r", lastLine)) as LineHead | undefined),
    read: () => recordsIn(place),
    append: (record) =>
      new Promise((resolve, reject) => {
        queue.push({ record, resolve, reject });
        wake();
      }),
    forget: (owners) =>
      alone(() =>
        telling(async () => {
          if (owners.length === 0) return;
          for (let before = await stat(place); ;) {
            await blankIn(place, owners);
            const now = await stat(place);
            if (now.ino === before.ino) return;
            before = now;
          }
        }),
      ),
    compact: (before, proofOf) =>
      alone(() =>
        telling(async () => {
          await takeOver();
          const since = await draftSince(place, before, proofOf);
          if (since === undefined) return 0;
          await link(place, former);
          await rename(since.draft, place);
          await syncDirectory(place);
          await takeOver();
          return since.left;
        }),
      ),
    async close() {
      await alone(() => writer.close());
    },
  };
}

async function telling<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof HeedError ? error : failed(error);
  }
}

function failed(cause: unknown): HeedError {
  return new HeedError(
    "The journal could not be written. What the database has committed stands, and will follow in the journal once it can be written again: look for a full disk, and for a file or a directory that is gone.",
    { code: "journal-failed", cause },
  );
}
