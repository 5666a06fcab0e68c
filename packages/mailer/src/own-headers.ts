import * as mimeFuncs from "nodemailer/lib/mime-funcs";
import type { Permit } from "@heed/core/contract";
import { mailtoUri } from "./mailto-uri.ts";
import type { ListOptions } from "./options.ts";
import { refuse } from "./parse.ts";

/** Header fields that are the mailer's own business: at most one of each. Prepared: right as it is, folds and all. */
export type OwnHeaders = Readonly<
  Record<string, string | { readonly prepared: true; readonly value: string }>
>;

/** What a message's own header fields follow from. */
export interface About {
  readonly topic: string;
  readonly class: Permit["class"];
  /** The value of `List-Unsubscribe`; marketing only. */
  readonly listUnsubscribe?: string;
  /** The Message-ID that this answers, with angle brackets. Never marketing. */
  readonly inReplyTo?: string | undefined;
}

/** Makes the header fields. @throws InvalidInputError for a topic that no list can be named after */
export function createHeaders(options: {
  readonly lists?: ListOptions | undefined;
  readonly feedbackSenderId?: string | undefined;
}): (about: About) => OwnHeaders {
  const { lists, feedbackSenderId } = options;
  return ({ topic, class: topicClass, listUnsubscribe, inReplyTo }) => ({
    ...(listUnsubscribe === undefined
      ? systemHeaders(inReplyTo)
      : {
          "List-Unsubscribe": prepared(listUnsubscribe),
          "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
          ...(lists && listHeaders(lists, topic)),
        }),
    // Read from the right: sender, class, topic. Nothing in it tells one recipient from another.
    ...(feedbackSenderId !== undefined && {
      "Feedback-ID": `${topic.replaceAll(/[^\w.-]/g, "-")}:${topicClass}:${feedbackSenderId}`,
    }),
  });
}

/** RFC 3834 5: a machine wrote this, so no machine answers it. Exchange asks for a field of its own. */
function systemHeaders(inReplyTo: string | undefined): OwnHeaders {
  return {
    "Auto-Submitted": inReplyTo === undefined ? "auto-generated" : "auto-replied",
    "X-Auto-Response-Suppress": "All",
    ...(inReplyTo !== undefined && { "In-Reply-To": inReplyTo, References: inReplyTo }),
  };
}

function listHeaders({ domain, titles, help, owner, precedence }: ListOptions, topic: string): OwnHeaders {
  return {
    "List-Id": prepared(
      listId(topic, domain, titles && Object.hasOwn(titles, topic) ? titles[topic] : undefined),
    ),
    ...(help !== undefined && { "List-Help": prepared(`<${mailtoUri(help)}>`) }),
    ...(owner !== undefined && { "List-Owner": prepared(`<${mailtoUri(owner)}>`) }),
    ...(precedence !== undefined && { Precedence: precedence }),
  };
}

/** RFC 2919 2: a dot-atom and a domain, at most 255 octets, and a phrase for humans before it. */
function listId(topic: string, domain: string, title: string | undefined): string {
  const id = `${topic}.${domain}`;
  if (!/^[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*$/.test(id) || id.length > 255) {
    throw refuse(
      "message",
      "topic",
      "no list can be named after it (RFC 2919 2): letters, digits and - only",
    );
  }
  if (title === undefined) return `<${id}>`;
  const phrase = /\P{ASCII}/u.test(title)
    ? mimeFuncs.encodeWord(title, "B", 52).replaceAll(" ", "\r\n ")
    : `"${title.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
  return `${phrase}\r\n <${id}>`;
}

const prepared = (value: string) => ({ prepared: true, value }) as const;
