import { z } from "zod";
import { parseAddress } from "./address.ts";
import { languageTag } from "./language-tag.ts";
import { parse, refuse } from "./parse.ts";
import { checkPlaceholders } from "./unsubscribe-link.ts";

/** What the caller writes. Marketing mail has `{{unsubscribe}}` in each part; no other mail may have it. */
export interface Message {
  readonly subject: string;
  readonly text: string;
  readonly html?: string;
  /** The language that it is written in, for `Content-Language` (BCP 47), for example `"sv"`. */
  readonly language?: string;
  /**
   * `Reply-To` (one address), `In-Reply-To`, `References`, `Feedback-ID` (Google's form), `Content-Language`,
   * `Organization`, `Importance` and `X-…`. Everything else is the mailer's own business and is refused.
   */
  readonly headers?: Readonly<Record<string, string>>;
}

/** One message to one person. */
export interface SendAsk<Topic extends string = string> {
  readonly topic: Topic;
  /** One plain address. */
  readonly to: string;
  /** Identifies the message: the same key goes to the same address once, ever. */
  readonly messageKey: string;
  readonly message: Message;
  /** Instead of `message`, with a mailer that has a `render`: see `SendTemplateAsk`. */
  readonly template?: never;
  /**
   * The Message-ID of the mail that this answers, with angle brackets: sets `In-Reply-To`, `References` and
   * `Auto-Submitted: auto-replied`, so that no machine answers it (RFC 3834 5). Not for marketing.
   */
  readonly inReplyTo?: string;
}

const allowedHeader =
  /^(?:reply-to|in-reply-to|references|feedback-id|content-language|organization|importance|x-[a-z0-9-]+)$/i;
/** Vendors' headers that name recipients of their own, past the one that was asked about. */
export const hiddenHeader = /^x-(?:smtpapi|rcpt|original-to|envelope)/i;
/** Fields of an address, a list, a relay or the MIME tree, which existing code may not set either. */
export const headerOfOthers =
  /^(?:to|cc|bcc|from|subject|date|message-id|list-.*|resent-.*|content-.*|mime-version|dkim-signature|return-path|received|__proto__)$/i;
/** What the mailer says itself. */
const ownHeader = /^x-auto-response-suppress$/i;
const printable = /^\P{Cc}{1,900}$/u;
/** An override turns the direction of what follows around: `U+202E` makes `gpj.exe` of `exe.jpg`. */
export const subjectPattern = /^(?!.*[\u202D\u202E])\P{Cc}{1,900}$/u;
/** RFC 5322 3.6.4 without comments and spaces: it came from outside. */
/** An id that a reply may name: one that can be written as it is. */
export const messageIdPattern = /^<[!-;=?A-~]{1,200}@[!-;=?A-~]{1,200}>$/;
/** At most four fields, read from the right, the last of 5 to 15 characters (support.google.com/mail/answer/6254652). */
const feedbackId = /^(?:[\w.+-]{0,64}:){0,3}[\w.-]{5,15}$/;

const sendAskSchema = z.strictObject({
  topic: z.string().min(1),
  to: z.string(),
  messageKey: z.string().min(1).max(256),
  message: z.strictObject({
    subject: z.string().regex(subjectPattern, "1 to 900 characters, no control characters or overrides"),
    text: z.string().min(1),
    html: z.string().min(1).optional(),
    language: languageTag.optional(),
    headers: z
      .record(z.string(), z.string().regex(printable, "1 to 900 characters, no control characters"))
      .optional(),
  }),
  inReplyTo: z.string().regex(messageIdPattern, "not a Message-ID").optional(),
});

/** Parses what the caller asks. @throws InvalidInputError; no permit was taken then */
export function parseSendAsk<Topic extends string>(ask: SendAsk<Topic>): SendAsk<Topic> {
  const { to, message, inReplyTo } = parse(sendAskSchema, ask, "message");
  const { subject, text, html, language, headers = {} } = message;
  checkPlaceholders({ text, html });
  const names = [
    ...Object.keys(headers).map((name) => name.toLowerCase()),
    ...(inReplyTo === undefined ? [] : ["in-reply-to", "references"]),
    ...(language === undefined ? [] : ["content-language"]),
  ];
  if (new Set(names).size < names.length)
    throw refuse("message", "message.headers", "a header is there twice");
  return {
    topic: ask.topic,
    messageKey: ask.messageKey,
    to: parseAddress("message", "to", to),
    ...(inReplyTo !== undefined && { inReplyTo }),
    message: {
      subject,
      text: withCrlf(text),
      ...(html !== undefined && { html: withCrlf(html) }),
      headers: {
        ...Object.fromEntries(Object.entries(headers).map(([name, value]) => parseHeader(name, value))),
        ...(language !== undefined && { "Content-Language": language }),
      },
    },
  };
}

function parseHeader(name: string, value: string): [string, string] {
  if (!allowedHeader.test(name) || hiddenHeader.test(name) || ownHeader.test(name)) {
    throw refuse("message", "message.headers", "a header that the caller may not set; see `Message.headers`");
  }
  // The composer encodes free text; ids and tokens it would send as raw octets, or encode into nonsense.
  if (!/^(?:x-|organization$|reply-to$)/i.test(name) && /\P{ASCII}/u.test(value)) {
    throw refuse("message", `message.headers.${name}`, "it is not ASCII");
  }
  if (/^feedback-id$/i.test(name) && !feedbackId.test(value)) {
    throw refuse("message", `message.headers.${name}`, "it is not of Google's form a:b:c:SenderId");
  }
  if (name.toLowerCase() !== "reply-to") return [name, value];
  return [name, parseAddress("message", "message.headers.Reply-To", value)];
}

/** The connection turns a lone CR or LF into CRLF; done here, it happens before the signature. */
function withCrlf(body: string): string {
  return body.replaceAll(/\r\n|\r|\n/g, "\r\n");
}
