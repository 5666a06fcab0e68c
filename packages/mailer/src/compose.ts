import MailComposer from "nodemailer/lib/mail-composer";
import type MimeNode from "nodemailer/lib/mime-node";
import type { From } from "./options.ts";
import type { Message } from "./outgoing.ts";
import type { OwnHeaders } from "./own-headers.ts";
import { writeMime } from "./write-mime.ts";

/** All that a message is made of. Everything is parsed already. */
export interface Parts {
  readonly from: Exclude<From, string>;
  readonly to: string;
  readonly message: Message;
  /** With angle brackets. */
  readonly messageId: string;
  readonly at: Date;
  /** What the mailer says of the message itself. */
  readonly own: OwnHeaders;
}

/** Builds the MIME message: header block and body with CRLF line ends, unsigned. */
export function compose(parts: Parts): Buffer {
  return writeMime(compile(parts));
}

/** The message as a tree of nodemailer's. */
export function compile({ from, to, message, messageId, at, own }: Parts): MimeNode {
  const { subject, text, html, headers } = message;
  const composer = new MailComposer({
    from,
    to: { address: to },
    subject,
    text,
    html,
    messageId,
    date: at,
    headers: withoutTwins(headers, own),
    newline: "win",
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return composer.compile();
}

/** The caller's fields first; of two with one name, whatever their case, the caller's. */
function withoutTwins(headers: Message["headers"] = {}, own: OwnHeaders): OwnHeaders {
  const theirs = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
  const ours = Object.entries(own).filter(([name]) => !theirs.has(name.toLowerCase()));
  return { ...headers, ...Object.fromEntries(ours) };
}
