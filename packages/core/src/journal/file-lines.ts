import type { FileHandle } from "node:fs/promises";
import { parseLine, type ParsedLine } from "./journal-line.ts";

/** A line with where it begins in the file. */
export interface PlacedLine extends ParsedLine {
  readonly at: number;
  readonly bytes: Buffer;
}

const chunkBytes = 1 << 18;
const lineFeed = 0x0a;

/**
 * The whole lines of a journal file, in order. What a crash cut short is passed over, and so is an end without
 * a line feed, which another process may be writing just now.
 *
 * @throws HeedError `journal-damaged`
 */
export async function* linesOf(file: FileHandle): AsyncIterable<PlacedLine> {
  let rest = Buffer.alloc(0);
  let at = 0;
  for (;;) {
    const chunk = Buffer.alloc(chunkBytes);
    const { bytesRead } = await file.read(chunk, 0, chunkBytes, at + rest.length);
    if (bytesRead === 0) return;
    const bytes = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
    let from = 0;
    for (let to = bytes.indexOf(lineFeed); to !== -1; to = bytes.indexOf(lineFeed, from)) {
      const line = bytes.subarray(from, to);
      const parsed = parseLine(line, `byte ${at + from}`);
      if (parsed !== undefined) yield { ...parsed, at: at + from, bytes: line };
      from = to + 1;
    }
    at += from;
    rest = bytes.subarray(from);
  }
}

/** The head of the newest whole record, read from the end: a journal may be long. Undefined where there is none. */
export async function lastLine(file: FileHandle): Promise<ParsedLine["head"] | undefined> {
  const { size } = await file.stat();
  for (let length = chunkBytes / 8; ; length *= 8) {
    const from = Math.max(0, size - length);
    const bytes = Buffer.alloc(size - from);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, from);
    // What is behind the last line feed is being written, or was cut short.
    let to = bytes.subarray(0, bytesRead).lastIndexOf(lineFeed);
    while (to > 0) {
      const before = bytes.lastIndexOf(lineFeed, to - 1);
      if (before === -1 && from > 0) break;
      const parsed = parseLine(bytes.subarray(before + 1, to), `byte ${from + before + 1}`);
      if (parsed !== undefined && "writer" in parsed.head) return parsed.head;
      to = before;
    }
    if (from === 0) return undefined;
  }
}
