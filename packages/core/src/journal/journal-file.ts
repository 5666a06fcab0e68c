import { randomUUID } from "node:crypto";
import { link, open, rename, stat, unlink } from "node:fs/promises";
import { HeedError } from "../errors/heed-error.ts";
import { linesOf } from "./file-lines.ts";
import { codeOf, syncDirectory, withFile, writeWhole } from "./file-system.ts";
import { encodeLine } from "./journal-line.ts";
import { journalLine, type LineHead } from "./record-line.ts";
import type { JournalIdentity, JournalLine } from "./journal.ts";

/** Which journal a file is; undefined where there is none. */
export async function identityIn(path: string): Promise<JournalIdentity | undefined> {
  return withFile(path, "r", async (file) => {
    for await (const line of linesOf(file)) return line.head as unknown as JournalIdentity;
    return undefined;
  });
}

/** Begins a journal, unless another process has begun one. */
export async function beginFile(path: string, begun: JournalIdentity): Promise<void> {
  const draft = `${path}.${begun.id}`;
  await writeWhole(draft, [encodeLine(begun, [])]);
  // Another process may be making it too: the first one counts, and an empty file is nobody's.
  const { size } = (await stat(path).catch(() => undefined)) ?? {};
  if (size === 0) await rename(draft, path);
  else {
    await link(draft, path).catch((error: unknown) => {
      if (codeOf(error) !== "EEXIST") throw error;
    });
    await unlink(draft);
  }
  await syncDirectory(path);
}

/** The records of a file, in order. @throws HeedError `journal-damaged` where one is missing between two */
export async function* recordsIn(path: string): AsyncGenerator<JournalLine> {
  const file = await open(path, "r");
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
}

/** Blanks the parts of these owners, and of those that were linked into them; resolves when that is on the disk. */
export async function blankIn(path: string, owners: readonly string[]): Promise<void> {
  await withFile(path, "r+", async (file) => {
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

/**
 * Writes what a file has, without its records of before an instant, to a draft beside it.
 *
 * @param proofOf whose journal it is, proven under the key of today
 * @returns the draft, and how many records it leaves out; undefined where it would be what the file is
 */
export async function draftSince(
  path: string,
  before: string,
  proofOf: (id: string) => string,
): Promise<{ readonly draft: string; readonly left: number } | undefined> {
  const kept: Buffer[] = [];
  const dropped: Record<string, number> = {};
  const droppedIds: Record<string, string> = {};
  const goesOn = new Set<string>();
  let left = 0;
  let head: JournalIdentity = { id: "", proof: "", dropped: {} };
  await withFile(path, "r", async (file) => {
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
  if (left === 0 && proof === head.proof) return undefined;
  const draft = `${path}.${randomUUID()}`;
  const identity: JournalIdentity = {
    ...head,
    proof,
    dropped: { ...head.dropped, ...dropped },
    droppedIds: { ...head.droppedIds, ...droppedIds },
  };
  await writeWhole(draft, [encodeLine(identity, []), ...kept]);
  return { draft, left };
}
