import MailComposer from "nodemailer/lib/mail-composer";
import type { From } from "./options.ts";
import type { Message } from "./outgoing.ts";

/** All that a message is made of. Everything is parsed already. */
export interface Parts {
  readonly from: Exclude<From, string>;
  readonly to: string;
  readonly message: Message;
  /** With angle brackets. */
  readonly messageId: string;
  readonly at: Date;
  /** The value of `List-Unsubscribe`. Without it the message is one that a system sends on its own account. */
  readonly listUnsubscribe?: string;
}

/** Builds the MIME message: header block and body with CRLF line ends, unsigned. */
export function compose({ from, to, message, messageId, at, listUnsubscribe }: Parts): Promise<Buffer> {
  const { subject, text, html, headers } = message;
  const own = listUnsubscribe
    ? {
        // Prepared: the composer would encode or refold a value that is right as it is.
        "List-Unsubscribe": { prepared: true, value: listUnsubscribe },
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
      }
    : { "Auto-Submitted": "auto-generated" };
  const composer = new MailComposer({
    from,
    to: { address: to },
    subject,
    text,
    html,
    messageId,
    date: at,
    headers: { ...headers, ...own },
    newline: "win",
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return composer.compile().build();
}
