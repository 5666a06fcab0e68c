import type { MailMessage } from "nodemailer";
import type MimeNode from "nodemailer/lib/mime-node";
import { z } from "zod";
import { parseAddress } from "./address.ts";
import { hiddenHeader, headerOfOthers, subjectPattern } from "./outgoing.ts";
import { parse, refuse } from "./parse.ts";

/** A message on its way through nodemailer that names one person, and can be read. */
export interface GatedMail {
  readonly topic: string;
  readonly messageKey: string;
  readonly from: string;
  readonly to: string;
  /** Whether its caller chose the Message-ID. */
  readonly hasMessageId: boolean;
  /** What a reader sees: text and html, in whatever alternatives. */
  readonly parts: readonly Part[];
}

/** A part of the MIME tree that is read, not downloaded. */
interface Part {
  readonly node: MimeNode;
  readonly isHtml: boolean;
  readonly content: string;
}

const heedSchema = z.strictObject({
  topic: z.string().min(1),
  messageKey: z.string().min(1).max(256),
});

/** What changes who gets the message, what it says of itself, or who logs in. `null` and `[]` are nothing. */
const forbidden = ["raw", "envelope", "cc", "bcc", "list", "dkim", "_dkim", "auth", "otp"] as const;

/**
 * Reads a compiled message. What a pool or a transport would do with anything else, nobody could foresee.
 *
 * @throws InvalidInputError that quotes nothing; no permit was taken then
 */
export function readMail({ data, message }: MailMessage): GatedMail {
  const { topic, messageKey } = parse(heedSchema, Reflect.get(data, "heed"), "`heed` of the mail");
  for (const name of forbidden) {
    const value: unknown = data[name];
    if (value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0))
      throw refuse("mail", name, "it may not be set on mail behind gate()");
  }
  if (typeof data.subject !== "string" || !subjectPattern.test(data.subject))
    throw refuse("mail", "subject", "1 to 900 characters, no control characters or overrides");
  for (const [name, value] of headersOf(data.headers)) refuseHeader(name, value);

  const to = parseAddress("mail", "to", onlyAddress(data.to));
  const envelope = message.getEnvelope();
  // Nodemailer repairs what it cannot read, and a repaired address is another person's.
  if (envelope.to.length !== 1 || envelope.to[0] !== to)
    throw refuse("mail", "to", "nodemailer reads another recipient in it");
  const from = parseAddress("mail", "from", envelope.from || "");
  return { topic, messageKey, from, to, hasMessageId: data.messageId !== undefined, parts: partsOf(message) };
}

function headersOf(headers: MailMessage["data"]["headers"] = {}): [string, unknown][] {
  return Array.isArray(headers)
    ? headers.map(({ key, value }): [string, unknown] => [key, value])
    : Object.entries(headers);
}

/** Recipients, list fields and signatures are not the caller's; a prepared value could hold any of them. */
function refuseHeader(name: string, value: unknown): void {
  const values: unknown[] = Array.isArray(value) ? value : [value];
  const isPlain = values.every((each) => ["string", "number", "boolean"].includes(typeof each));
  if (!isPlain || !/^[\w-]+$/.test(name) || hiddenHeader.test(name) || headerOfOthers.test(name))
    throw refuse("mail", "headers", "a header that may not be set on mail behind gate()");
}

/** The address of one recipient in the forms that nodemailer takes; anything else stays as it is, to be refused. */
function onlyAddress(to: unknown): string {
  const one: unknown = Array.isArray(to) && to.length === 1 ? to[0] : to;
  if (typeof one === "object" && one !== null && "address" in one && typeof one.address === "string")
    return one.address;
  if (typeof one !== "string") throw refuse("mail", "to", "it is not one recipient");
  const named = /^(?:"[^"\\\p{Cc}]*"|[^"\\<>@,;:()\p{Cc}]*) ?<([^<>]*)>$/u.exec(one);
  return named?.[1] ?? one;
}

function partsOf(node: MimeNode): Part[] {
  // It goes out as it is, whatever content and headers the node has beside.
  if (Reflect.get(node, "_raw") !== false)
    throw refuse("mail", "text, html, attachments", "a part may not be written already (`raw`)");
  if (node.childNodes.length > 0) return node.childNodes.flatMap(partsOf);
  const type = /^text\/(plain|html|x-amp-html|watch-html)\b/i.exec(textOf(node, "content-type"));
  if (!type || /^attachment/i.test(textOf(node, "content-disposition"))) return [];
  const { content = "" } = node;
  if (typeof content !== "string" && !Buffer.isBuffer(content))
    throw refuse(
      "mail",
      "text, html",
      "a part that is read must be a string or a Buffer, not a file or stream",
    );
  return [{ node, isHtml: type[1]?.toLowerCase() !== "plain", content: content.toString() }];
}

function textOf(node: MimeNode, name: string): string {
  const value = node.getHeader(name);
  return typeof value === "string" ? value : "";
}
