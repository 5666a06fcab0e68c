import type { Permit } from "@heed/core/contract";
import { parseAddress } from "./address.ts";
import type { BounceOptions, ListOptions } from "./options.ts";
import type { UnsubscribeOptions } from "./unsubscribe-link.ts";
import { createHeaders, type OwnHeaders } from "./own-headers.ts";
import { refuse } from "./parse.ts";
import { checkTag, messageIdOf, returnAddress } from "./return-address.ts";
import type { Envelope } from "./smtp-session.ts";
import { createLinks, type UnsubscribeLink } from "./unsubscribe-link.ts";

/** What a permit makes of a message: header fields, and for marketing the link that belongs in each part. */
interface Dressed {
  readonly own: OwnHeaders;
  /** The recipient's own way out. Marketing only. */
  readonly url?: string;
}

/** The same for `send` and for `gate()`: how a message that has a permit is written and addressed. */
export interface Dress {
  readonly link: (token: string) => UnsubscribeLink;
  /** @throws InvalidInputError for a marketing message that answers somebody, or whose topic names no list */
  readonly dress: (
    permit: Permit,
    about: {
      readonly topic: string;
      readonly inReplyTo?: string | undefined;
    },
  ) => Dressed;
  /** Sender, recipient and Message-ID, by which a bounce finds back to its message. */
  readonly address: (permit: Permit, from: string, to: string) => Envelope & { readonly messageId: string };
}

/** @throws InvalidInputError for addresses that are none */
export function createDress(options: {
  readonly unsubscribe: UnsubscribeOptions;
  readonly bounces?: BounceOptions | undefined;
  readonly lists?: ListOptions | undefined;
  readonly feedbackSenderId?: string | undefined;
}): Dress {
  const { unsubscribe, bounces, lists } = options;
  const link = createLinks(unsubscribe);
  for (const name of ["help", "owner"] as const) {
    const address = lists?.[name];
    if (address !== undefined) parseAddress("mailer's options", `lists.${name}`, address);
  }
  const headers = createHeaders(options);

  return {
    link,
    dress(permit, { topic, inReplyTo }) {
      const about = { topic, class: permit.class, inReplyTo };
      if (permit.class !== "marketing") return { own: headers(about) };
      if (inReplyTo !== undefined) {
        throw refuse("message", "inReplyTo", "a marketing message answers nobody: it is no reply (RFC 3834)");
      }
      if (permit.unsubscribeToken === undefined) {
        throw new TypeError("a permit for a marketing topic comes with an unsubscribe token");
      }
      const { url, header } = link(permit.unsubscribeToken);
      return { url, own: headers({ ...about, listUnsubscribe: header }) };
    },
    address(permit, from, to) {
      const tag = checkTag(permit.returnTag);
      return {
        from: bounces && tag !== undefined ? returnAddress(bounces, tag) : from,
        to,
        messageId: messageIdOf(tag, from.slice(from.lastIndexOf("@") + 1)),
        ...(tag !== undefined && { tag }),
      };
    },
  };
}
