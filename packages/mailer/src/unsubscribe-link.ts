import { InvalidInputError } from "@heed/core/contract";
import { parseAddress } from "./address.ts";
import { escapeHtml } from "./html.ts";
import { isLoopback } from "./loopback.ts";
import { mailtoUri } from "./mailto-uri.ts";
import { refuse } from "./parse.ts";

/** Stands in the text and in the html of a marketing message for the recipient's own unsubscribe link. */
export const UNSUBSCRIBE_PLACEHOLDER = "{{unsubscribe}}";

/** Past this a mail server may cut the header line at 998 octets, which breaks link and signature. */
const MAX_URL_LENGTH = 900;

/** As long as a token can be: to try out what links are made of before anybody waits for one. */
export const sampleToken = "preflight".padEnd(48, "0");

/** Where marketing mail is unsubscribed from. */
export interface UnsubscribeOptions {
  /**
   * A base, to which `/<token>` is appended, or a function of the token. https; http only on a loopback
   * host. At most 900 characters with the token: past about 970 a mail server cuts the header line.
   */
  readonly url: string | ((token: string) => string);
  /** An address that takes the token as the subject of a mail, offered second (RFC 2369). */
  readonly mailto?: string;
}

/** A recipient's own way out: the URL for the body, and the value of `List-Unsubscribe`. */
export interface UnsubscribeLink {
  readonly url: string;
  readonly header: string;
}

/** Makes the links. @throws InvalidInputError when what comes out cannot be used as one */
export function createLinks({ url, mailto }: UnsubscribeOptions): (token: string) => UnsubscribeLink {
  const target = mailto && mailtoUri(parseAddress("mailer's options", "unsubscribe.mailto", mailto));
  if (typeof url === "string" && /[?#]/.test(url)) {
    throw refuse(
      "mailer's options",
      "unsubscribe.url",
      "a base has no query or fragment; pass a function instead",
    );
  }
  return (token) => {
    const link = checkUrl(typeof url === "string" ? `${url.replace(/\/$/, "")}/${token}` : url(token));
    // https first, for RFC 8058 clients; folded by hand, since the composer would encode a long line.
    const header = target ? `<${link}>,\r\n <${target}?subject=${token}>` : `<${link}>`;
    return { url: link, header };
  };
}

function checkUrl(url: string): string {
  const problem = problemOf(url);
  if (problem) throw refuse("unsubscribe link", "unsubscribe.url", problem);
  return url;
}

function problemOf(url: string): string | undefined {
  if (!URL.canParse(url)) return "it is not a URL";
  if (!/^[!-~]+$/.test(url) || /[<>,"]/.test(url)) return "it has characters that a header may not have";
  const { protocol, hostname } = new URL(url);
  if (protocol !== "https:" && !(protocol === "http:" && isLoopback(hostname))) {
    return "it is not https, as one-click unsubscribing needs (RFC 8058 3.1)";
  }
  if (url.length > MAX_URL_LENGTH) return `it is longer than ${MAX_URL_LENGTH} characters`;
  return undefined;
}

/** Text and html of a message. */
interface Parts {
  readonly text: string;
  readonly html?: string | undefined;
}

const has = (part: string): boolean => part.includes(UNSUBSCRIBE_PLACEHOLDER);
/** A link in a comment is one that no reader sees. */
const withoutComments = (html: string): string => html.replaceAll(/<!--[\s\S]*?-->/g, "");

/** A link in one part and not in the other is wrong whatever the class, so it is refused before a permit. */
export function checkPlaceholders({ text, html }: Parts): void {
  if (html !== undefined && has(text) !== has(withoutComments(html))) {
    throw refuse(
      "message",
      "message",
      `${UNSUBSCRIBE_PLACEHOLDER} must be in the text and in the html, or in neither`,
    );
  }
}

/** Puts the link into each part. @throws InvalidInputError when a marketing message has no place for it */
export function fillLink<M extends Parts>(message: M, url: string): M {
  return {
    ...message,
    text: fillPart(message.text, false, url),
    ...(message.html !== undefined && { html: fillPart(message.html, true, url) }),
  };
}

/** Puts the link into one part. @throws InvalidInputError when it has no place for it that a reader sees */
export function fillPart(content: string, isHtml: boolean, url: string): string {
  if (!has(isHtml ? withoutComments(content) : content)) {
    throw new InvalidInputError(
      `A marketing message needs ${UNSUBSCRIBE_PLACEHOLDER} in each part, where its reader can see it.`,
      { code: "no-unsubscribe-link" },
    );
  }
  return content.replaceAll(UNSUBSCRIBE_PLACEHOLDER, () => (isHtml ? escapeHtml(url) : url));
}

/** A message that is not marketing has no link to show. @throws InvalidInputError when it asks for one */
export function refuseLink({ text, html = "" }: Parts): void {
  if (has(text) || has(html)) {
    throw new InvalidInputError(
      `Only a marketing topic's message can have ${UNSUBSCRIBE_PLACEHOLDER}: this topic cannot be unsubscribed from.`,
      { code: "no-unsubscribe-link" },
    );
  }
}
