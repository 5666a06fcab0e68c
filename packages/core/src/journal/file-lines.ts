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
