import { createHash } from "node:crypto";
import { HeedError } from "../errors/heed-error.ts";

/** A line as it lies in the file. */
export interface ParsedLine {
  readonly head: Readonly<Record<string, unknown>>;
  /** Each part with its place in the line; `text` is undefined when it was blanked. */
  readonly parts: readonly {
    readonly text: string | undefined;
    readonly from: number;
    readonly length: number;
  }[];
}

const tab = 0x09;
const blank = 0x20;

const checkOf = (bytes: Uint8Array | string): string =>
  createHash("sha256").update(bytes).digest("hex").slice(0, 16);

/**
 * `<length of what follows> TAB <check of the head> TAB <head> [TAB <part>]… LF`. The head carries a check for
 * each part, so that a part can be blanked, at its own length, and the line still be whole. JSON has no raw tab.
 */
export function encodeLine(head: object, parts: readonly string[]): Buffer {
  const text = JSON.stringify({ ...head, checks: parts.map(checkOf) });
  const rest = [checkOf(text), text, ...parts].join("\t");
  return Buffer.from(`${Buffer.byteLength(rest)}\t${rest}\n`);
}

function split(line: Buffer): readonly { readonly from: number; readonly bytes: Buffer }[] {
  const cells: { from: number; bytes: Buffer }[] = [];
  for (let from = 0; from <= line.length;) {
    const found = line.indexOf(tab, from);
    const to = found === -1 ? line.length : found;
    cells.push({ from, bytes: line.subarray(from, to) });
    from = to + 1;
  }
  return cells;
}

/** @param line without its line feed @returns undefined for a line that a crash cut short: nobody was answered for it */
export function parseLine(line: Buffer, where: string): ParsedLine | undefined {
  const damaged = () =>
    new HeedError(
      `The journal is damaged (${where}): a record is not as it was written. Put back an intact copy of the file; nothing is replayed from this one.`,
      { code: "journal-damaged" },
    );
  // After a power loss, a file system may have the length of a write and not its bytes, or not all of them.
  const written = line.subarray(0, line.findLastIndex((byte) => byte !== 0) + 1);
  if (written.length === 0) return undefined;
  const [length, check, head, ...parts] = split(written);
  const declared = Number(length?.bytes.toString("latin1"));
  if (length === undefined || !/^\d+$/.test(length.bytes.toString("latin1"))) throw damaged();
  const present = line.length - length.bytes.length - 1;
  if (present < declared || check === undefined) return undefined;
  // Its line feed went too, or it would be as long as it says.
  if (present > declared && written.length < line.length) return undefined;
  if (present > declared || head === undefined) throw damaged();
  if (checkOf(head.bytes) !== check.bytes.toString("latin1")) throw damaged();
  const parsed = JSON.parse(head.bytes.toString("utf8")) as { readonly checks: readonly string[] };
  if (parsed.checks.length !== parts.length) throw damaged();
  return {
    head: { ...parsed },
    parts: parts.map(({ from, bytes }, index) => {
      const isBlank = bytes.every((byte) => byte === blank);
      if (!isBlank && checkOf(bytes) !== parsed.checks[index]) throw damaged();
      return { text: isBlank ? undefined : bytes.toString("utf8"), from, length: bytes.length };
    }),
  };
}

/** JSON in which bytes keep their type. */
export function writeJson(value: unknown): string {
  return JSON.stringify(value, function (this: Record<string, unknown>, key: string, given: unknown) {
    // A Buffer has turned itself into something else by now.
    const original = this[key];
    return original instanceof Uint8Array ? { $bytes: Buffer.from(original).toString("base64") } : given;
  });
}

export function readJson(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown) =>
    typeof value === "object" && value !== null && "$bytes" in value
      ? new Uint8Array(Buffer.from(String(value.$bytes), "base64"))
      : value,
  );
}
