import { randomUUID } from "node:crypto";
import { statSync, writeSync } from "node:fs";
import { link, open, rename, stat, unlink, type FileHandle } from "node:fs/promises";
import { resolve } from "node:path";
import { HeedError } from "../errors/heed-error.ts";
import { lastLine, linesOf } from "./file-lines.ts";
import { codeOf, ownerOnly, syncDirectory, withFile, writeWhole } from "./file-system.ts";
import { encodeLine } from "./journal-line.ts";
import { journalLine, lineOf, type LineHead } from "./record-line.ts";
import type { Journal, JournalIdentity, JournalPlace, JournalRecord } from "./journal.ts";

interface Appending {
  readonly record: JournalRecord;
  resolve(place: JournalPlace): void;
  reject(error: unknown): void;
}

/** One opening of the file to append to. Its numbers have no gap: after a failure, another writer begins. */
interface Writer {
  readonly id: string;
  readonly file: FileHandle;
  readonly inode: number;
  next: number;
  /** What was before may have been cut short, so the first line begins on a line of its own. */
  isFirst: boolean;
}

/**
 * A journal in one append-only file. Put it on another disk than the database: it is what is left when that
 * is lost. Any number of processes of one machine append to it, each batch with one `write` and one
 * `fdatasync`, and nobody is answered before. Readable to its owner alone.
 *
 * A line that a crash cut short is passed over; a line that was changed is refused (`journal-damaged`).
 *
 * @param path its directory must exist
 * @example createHeed({ …, journal: fileJournal("/mnt/other-disk/heed.journal") })
 */
export function fileJournal(path: string): Journal {
  if (typeof path !== "string" || path === "") throw new TypeError("fileJournal() takes the path of a file.");
  const place = resolve(path);
  const former = `${place}.old`;
  const queue: Appending[] = [];
  let writer: Writer | undefined;
  let last: Promise<unknown> = Promise.resolve();
  /** A flush will come to what is in the queue. */
  let isFlushing = false;

  async function newWriter(): Promise<Writer> {
    const file = await open(place, "a", ownerOnly);
    const { ino } = await file.stat();
    return { id: randomUUID(), file, inode: ino, next: 1, isFirst: true };
  }

  async function dropWriter(): Promise<void> {
    const { file } = writer ?? {};
    writer = undefined;
    await file?.close().catch(() => {});
  }

  /** Writes a batch; false when another process has put another file in the place meanwhile. */
  async function write(batch: readonly Appending[]): Promise<readonly JournalPlace[] | undefined> {
    writer ??= await newWriter();
    const { id, file, inode } = writer;
    const places = batch.map((_, index) => ({ writer: id, number: writer!.next + index }));
    const lines = batch.map(({ record }, index) => lineOf(record, places[index]!));
    const bytes = Buffer.concat(writer.isFirst ? [Buffer.from("\n"), ...lines] : lines);
    // To memory only, so at once: what takes time is the sync, and it is the one trip through the thread pool.
    if (writeSync(file.fd, bytes) < bytes.length)
      throw new RangeError("the disk took a part of the record only");
    await file.datasync();
    writer.next += batch.length;
    writer.isFirst = false;
    const now = statSync(place, { throwIfNoEntry: false });
    return now?.ino === inode ? places : undefined;
  }

  async function flush(): Promise<void> {
    isFlushing = false;
    while (queue.length > 0) {
      const batch = queue.splice(0);
      try {
        let places = await write(batch);
        for (let round = 0; places === undefined && round < 5; round += 1) {
          await dropWriter();
          places = await write(batch);
        }
        if (places === undefined) throw new RangeError("the file kept being replaced");
        batch.forEach((each, index) => each.resolve(places[index]!));
      } catch (cause) {
        await dropWriter();
        for (const each of batch) each.reject(failed(cause));
      }
    }
  }

  /** One after another with the appends of this process. */
  function alone<T>(work: () => Promise<T>): Promise<T> {
    const done = last.then(work);
    last = done.catch(() => {});
    return done;
  }

  function wake(): void {
    if (isFlushing) return;
    isFlushing = true;
    void alone(flush);
  }

  async function identity(): Promise<JournalIdentity | undefined> {
    return withFile(place, "r", async (file) => {
      for await (const line of linesOf(file)) return line.head as unknown as JournalIdentity;
      return undefined;
    });
  }

  async function make(proofOf: (id: string) => string): Promise<void> {
    const id = randomUUID();
    const draft = `${place}.${id}`;
    await writeWhole(draft, [encodeLine({ id, proof: proofOf(id), dropped: {} }, [])]);
    // Another process may be making it too: the first one counts, and an empty file is nobody's.
    const { size } = (await stat(place).catch(() => undefined)) ?? {};
    if (size === 0) await rename(draft, place);
    else {
      await link(draft, place).catch((error: unknown) => {
        if (codeOf(error) !== "EEXIST") throw error;
      });
      await unlink(draft);
    }
    await syncDirectory(place);
  }

  async function forgetIn(at: string, owners: readonly string[]): Promise<void> {
    await withFile(at, "r+", async (file) => {
      const parts: { owner: string; from: number; length: number }[] = [];
      const links: { from: string; to: string }[] = [];
      for await (const line of linesOf(file)) {
        const { owners: named = [], linked } = line.head as Partial<LineHead>;
        if (linked !== undefined) links.push(linked);
        line.parts.forEach(({ text, from, length }, index) => {
          if (text !== undefined) parts.push({ owner: named[index] ?? "", from: line.at + from, length });
        });
      }
      const going = new Set(owners);
      for (const { from, to } of links.toReversed()) if (going.has(to)) going.add(from);
      for (const { owner, from, length } of parts)
        if (going.has(owner)) await file.write(Buffer.alloc(length, " "), 0, length, from);
      await file.datasync();
    });
  }

  /** Brings over what was appended to, or blanked in, the file that a compaction has replaced. */
  async function takeOver(): Promise<void> {
    const known = new Set<string>();
    const dropped = (await identity())?.dropped ?? {};
    await withFile(place, "r", async (file) => {
      for await (const line of linesOf(file)) known.add(String(line.head["id"]));
    });
    const blanked = new Set<string>();
    const missing: JournalRecord[] = [];
    const isThere = await withFile(former, "r", async (file) => {
      for await (const line of linesOf(file)) {
        if (!("writer" in line.head)) continue;
        const { writer, number, record, forgotten } = journalLine(line);
        for (const owner of forgotten) blanked.add(owner);
        if (!known.has(record.id) && number > (dropped[writer] ?? 0)) missing.push(record);
      }
      return true;
    });
    if (isThere === undefined) return;
    if (missing.length > 0) {
      const batch = missing.map((record) => ({ record, resolve: () => {}, reject: () => {} }));
      await dropWriter();
      await write(batch);
    }
    if (blanked.size > 0) await forgetIn(place, [...blanked]);
    await unlink(former);
    await syncDirectory(place);
  }

  return {
    open: (proofOf) =>
      alone(() =>
        telling(async () => {
          await takeOver();
          const found = await identity();
          if (found !== undefined || proofOf === undefined) return found;
          await make(proofOf);
          return identity();
        }),
      ),
    last: () => telling(async () => (await withFile(place, "r", lastLine)) as LineHead | undefined),
    async *read() {
      const file = await open(place, "r");
      try {
        const last = new Map<string, number>();
        for await (const line of linesOf(file)) {
          if (!("writer" in line.head)) {
            for (const [writer, number] of Object.entries((line.head as unknown as JournalIdentity).dropped))
              last.set(writer, number);
            continue;
          }
          const read = journalLine(line);
          if (read.number !== (last.get(read.writer) ?? 0) + 1)
            throw new HeedError("The journal is damaged: records are missing from its middle.", {
              code: "journal-damaged",
            });
          last.set(read.writer, read.number);
          yield read;
        }
      } finally {
        await file.close();
      }
    },
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
            await forgetIn(place, owners);
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
          const kept: Buffer[] = [];
          const dropped: Record<string, number> = {};
          const droppedIds: Record<string, string> = {};
          const goesOn = new Set<string>();
          let left = 0;
          let head: JournalIdentity = { id: "", proof: "", dropped: {} };
          await withFile(place, "r", async (file) => {
            for await (const line of linesOf(file)) {
              const { writer, number, at, id } = line.head as unknown as LineHead;
              if (writer === undefined) head = line.head as unknown as JournalIdentity;
              // A writer's numbers go on without a gap, even where the clock was set back in between.
              else if (at < before && !goesOn.has(writer)) {
                dropped[writer] = number;
                droppedIds[writer] = id;
                left += 1;
              } else {
                goesOn.add(writer);
                kept.push(Buffer.concat([line.bytes, Buffer.from("\n")]));
              }
            }
          });
          const proof = proofOf(head.id);
          if (left === 0 && proof === head.proof) return 0;
          const draft = `${place}.${randomUUID()}`;
          const identity: JournalIdentity = {
            id: head.id,
            proof,
            dropped: { ...head.dropped, ...dropped },
            droppedIds: { ...head.droppedIds, ...droppedIds },
          };
          await writeWhole(draft, [encodeLine(identity, []), ...kept]);
          await link(place, former);
          await rename(draft, place);
          await syncDirectory(place);
          await takeOver();
          return left;
        }),
      ),
    async close() {
      await alone(dropWriter);
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
    "The journal could not be written. What the database has committed stands, and will follow in the journal once it can be written again: look for a full disk or a missing directory.",
    { code: "journal-failed", cause },
  );
}
