import PostalMime from "postal-mime";
import { readFields, type Fields } from "./fields.ts";

/** A part of a mail that is not its text. */
export interface Part {
  /** In lower case. */
  readonly type: string;
  readonly content: Uint8Array;
}

/** A mail, taken apart. Nothing in it is believed yet. */
export interface Mime {
  /** Values as they came: encoded words are still encoded. */
  readonly fields: Fields;
  /** Decoded; empty without one. */
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** In their order, also what a report consists of. A mail within the mail is one part. */
  readonly parts: readonly Part[];
}

/** Parts within parts: mail programs need three or four. */
const maxNestingDepth = 30;
const maxHeadersSize = 256 * 1024;

/**
 * Wishes and reports stand at the beginning. The parser takes some thirty microseconds for each line, however short:
 * ten megabytes of empty lines would keep everything else waiting for minutes.
 */
const maxReadBytes = 1024 * 1024;
const maxReadLines = 20_000;

function beginningOf(raw: Uint8Array): Uint8Array {
  let end = 0;
  for (let line = 0; line < maxReadLines; line += 1) {
    const next = raw.indexOf(0x0a, end);
    if (next < 0) return raw.subarray(0, maxReadBytes);
    end = next + 1;
  }
  return raw.subarray(0, Math.min(end, maxReadBytes));
}

/** Whether a mail is short enough to be read to its end. */
export const isReadWhole = (raw: Uint8Array): boolean => beginningOf(raw).length === raw.length;

/** Takes the beginning of a mail apart. Undefined when it is nested too deep, its header fields are too long, or it cannot be read at all. */
export async function readMime(raw: Uint8Array): Promise<Mime | undefined> {
  try {
    const mail = await PostalMime.parse(beginningOf(raw), {
      // A mail within the mail is not read as if it were its text: it says what others wrote.
      forceRfc822Attachments: true,
      maxNestingDepth,
      maxHeadersSize,
    });
    return {
      fields: mail.headers.map(({ key, value }) => [key, value] as const),
      subject: mail.subject ?? "",
      text: mail.text ?? "",
      html: mail.html ?? "",
      parts: mail.attachments.map(({ mimeType, content }) => ({
        type: mimeType,
        content: typeof content === "string" ? Buffer.from(content) : new Uint8Array(content),
      })),
    };
  } catch {
    // The parser's words may quote the mail, and nobody could mend it.
    return undefined;
  }
}

/** What a report says fits in here by far. */
const maxReportBytes = 256 * 1024;

/** A part as text; the rest of a very long one is left out. */
export function textOf({ content }: Part): string {
  return new TextDecoder().decode(content.subarray(0, maxReportBytes));
}

/** The header fields of a mail that is a part, or of a part that holds nothing else. */
export const fieldsOf = (part: Part): Fields => readFields(textOf(part));
