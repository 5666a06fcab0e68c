import { valueOf } from "./fields.ts";
import type { Mime } from "./read-mime.ts";

/** What a person wrote, as far as it tells a wish: the subject, and the first line that is their own. */
export interface Written {
  /** Without `Re:` and its like; empty in a reply, whose subject is that of what it replies to. */
  readonly subject: string;
  readonly line: string;
  /** Nothing was written at all. */
  readonly isEmpty: boolean;
}

/** A wish stands at the beginning; the rest of a long mail is for people to read. */
const maxTextLength = 5000;
const maxLineLength = 300;

const answerMark = /^\s*(?:re|fw|fwd|sv|vb|aw|wg|tr|ang)\s*(?:\[\d{1,3}\])?\s*:\s*/i;
/** From here on somebody else speaks, or a signature. */
const end =
  /^(?:--\s*$|_{5,}|-{3,}.*(?:original|forwarded|ursprungligt|vidarebefordrat)|from:\s|från:\s|sent from my|skickat från|.*(?:wrote|skrev)(?:\s.*@.*)?\s*:\s*$)/i;
const greeting = /^(?:hi|hello|hey|dear|hej|hejsan|hallå|tjena|god\s+\S+|good\s+\S+)(?:\s+\S+){0,4}[,.!:]*$/i;

/** Quoted text, signatures and greetings are left out: what our own mail said is not what its reader says. */
export function readWritten({ fields, subject, text, html }: Omit<Mime, "parts">): Written {
  const lines = (text.trim() === "" ? plainOf(html) : text)
    .slice(0, maxTextLength)
    .split(/\r?\n/)
    .map((line) => line.slice(0, maxLineLength).trim());
  const endAt = lines.findIndex((line) => end.test(line));
  const own = (endAt < 0 ? lines : lines.slice(0, endAt)).filter(
    (line) => line !== "" && !line.startsWith(">"),
  );
  const line = own.find((each) => !greeting.test(each)) ?? "";
  const isReply = answerMark.test(subject) && valueOf(fields, "in-reply-to") !== undefined;
  const isEmpty = `${subject}${text}${html}`.trim() === "";
  return { isEmpty, subject: isReply ? "" : withoutMarks(subject.slice(0, maxLineLength)), line };
}

function withoutMarks(subject: string): string {
  const rest = subject.replace(answerMark, "");
  return rest === subject ? subject.trim() : withoutMarks(rest);
}

/** Enough for a first line. */
function plainOf(html: string): string {
  return withoutQuotes(html.slice(0, maxTextLength))
    .replaceAll(/<(?:br|\/p|\/div|\/li|\/h\d)\b[^<>]*>/gi, "\n")
    .replaceAll(/<[^<>]*>/g, "")
    .replaceAll(/&nbsp;/gi, " ");
}

/** A quote has paragraphs of its own, and quotes in it. */
function withoutQuotes(html: string): string {
  let depth = 0;
  return html
    .split(/(<\/?blockquote\b[^<>]*>)/i)
    .filter((piece) => {
      const [, end] = /^<(\/?)blockquote\b/i.exec(piece) ?? [];
      if (end === undefined) return depth === 0;
      depth = Math.max(0, depth + (end === "" ? 1 : -1));
      return false;
    })
    .join("\n");
}
