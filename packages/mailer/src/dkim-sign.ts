import { createHash, sign as signNow, type KeyObject } from "node:crypto";
import { promisify } from "node:util";

/** Puts a DKIM signature on a message with CRLF line ends. */
export type Sign = (raw: Buffer, at: Date) => Promise<Buffer>;

/** In another thread: RSA takes a third of what a message takes, and the next one need not wait for it. */
const signBytes = promisify(signNow);

/**
 * The header fields that a signature covers, present or not. Each is listed once more often than it is
 * present, so that adding another one breaks the signature as well (RFC 6376 8.15). `X-` fields are left
 * out: relays take some of them off, `X-Auto-Response-Suppress` among them, which nobody gains by forging.
 */
export const coveredFields = [
  "from",
  "sender",
  "reply-to",
  "to",
  "cc",
  "subject",
  "date",
  "message-id",
  "in-reply-to",
  "references",
  "mime-version",
  "content-type",
  "content-transfer-encoding",
  "content-language",
  "precedence",
  "auto-submitted",
  "feedback-id",
  "list-id",
  "list-unsubscribe",
  "list-unsubscribe-post",
  "list-help",
  "list-subscribe",
  "list-post",
  "list-owner",
  "list-archive",
] as const;

/**
 * Makes a signer: RFC 6376, relaxed/relaxed, rsa-sha256. The key is parsed once, which makes signing about
 * four times as fast as with a PEM. Bytes are handled as latin1 strings, one character per octet.
 */
export function createSigner(settings: { domain: string; selector: string; key: KeyObject }): Sign {
  const { domain, selector, key } = settings;
  return async (raw, at) => {
    const { fields, body } = split(raw.toString("latin1"));
    const names = coveredFields.flatMap((name) => {
      const present = fields.filter((field) => field.name === name).length;
      return Array.from({ length: present + 1 }, () => name);
    });
    const bodyHash = createHash("sha256").update(relaxedBody(body), "latin1").digest("base64");
    const unsigned =
      `DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=${domain}; s=${selector};\r\n` +
      ` t=${Math.floor(at.getTime() / 1000)}; h=${fold(names.join(":"), /.{1,70}(?::|$)/g)};\r\n` +
      ` bh=${bodyHash};\r\n b=`;
    const signed = [...select(fields, names), unsigned].map(relaxedField).join("\r\n");
    const signature = (await signBytes("sha256", Buffer.from(signed, "latin1"), key)).toString("base64");
    return Buffer.concat([Buffer.from(`${unsigned}${fold(signature, /.{1,72}/g)}\r\n`, "latin1"), raw]);
  };
}

interface Field {
  readonly name: string;
  /** The whole field, folded as it stands, without the last CRLF. */
  readonly text: string;
}

function split(message: string): { fields: Field[]; body: string } {
  if (/(?<!\r)\n|\r(?!\n)/.test(message)) {
    throw new TypeError("A message to sign has CRLF line ends only: the connection would change any other");
  }
  const end = message.indexOf("\r\n\r\n");
  const fields = message
    .slice(0, end)
    .split(/\r\n(?![ \t])/)
    .map((text) => ({ name: text.slice(0, text.indexOf(":")).trimEnd().toLowerCase(), text }));
  return { fields, body: message.slice(end + 4) };
}

/** For each name its next instance from the bottom up; a name with none left stands for nothing (5.4.2). */
function select(fields: readonly Field[], names: readonly string[]): string[] {
  const left = [...fields];
  return names.flatMap((name) => {
    const index = left.findLastIndex((field) => field.name === name);
    return index < 0 ? [] : left.splice(index, 1).map(({ text }) => text);
  });
}

/** RFC 6376 3.4.2. */
function relaxedField(field: string): string {
  const colon = field.indexOf(":");
  const name = field.slice(0, colon).trimEnd().toLowerCase();
  const value = field.slice(colon + 1).replaceAll("\r\n", "");
  return `${name}:${value.replaceAll(/[ \t]+/g, " ").trim()}`;
}

/** RFC 6376 3.4.4. */
function relaxedBody(body: string): string {
  const lines = body.split("\r\n").map((line) => line.replaceAll(/[ \t]+/g, " ").replace(/ $/, ""));
  while (lines.at(-1) === "") lines.pop();
  return lines.map((line) => `${line}\r\n`).join("");
}

function fold(value: string, piece: RegExp): string {
  return (value.match(piece) ?? []).join("\r\n ");
}
