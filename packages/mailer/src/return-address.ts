import { randomUUID } from "node:crypto";

/** What a permit's `returnTag` looks like; whoever takes one from a message reads nothing else for one. */
const tagPattern = /^[a-z2-7]{26}$/;

/** The part before the tag where the options name none. */
const defaultPrefix = "b";

/** The address that bounces of one message come back to (VERP): `b+<tag>@bounces.acme.example`. */
export function returnAddress(bounces: { domain: string; prefix?: string | undefined }, tag: string): string {
  return `${bounces.prefix ?? defaultPrefix}+${tag}@${bounces.domain}`;
}

/**
 * The tag in a return address of this domain, or undefined. Strict, except that case means nothing: mail
 * servers change it on the way.
 *
 * @param prefix as in `bounces.prefix`. Default `"b"`
 */
export function readReturnTag(address: string, domain: string, prefix = defaultPrefix): string | undefined {
  const [local = "", ...rest] = address.toLowerCase().split("@");
  if (rest.length !== 1 || rest[0] !== domain.toLowerCase()) return undefined;
  return tagAfter(`${prefix.toLowerCase()}+`, local);
}

/** A Message-ID (RFC 5322 3.6.4): of the tag, so that it stays the same over a repeat, or else a random one. */
export function messageIdOf(tag: string | undefined, domain: string): string {
  return `<${tag ?? randomUUID()}@${domain}>`;
}

/**
 * The tag in a Message-ID that the mailer made for this From domain, or undefined. Strict, except that the
 * angle brackets may be missing and case means nothing.
 */
export function readMessageId(messageId: string, domain: string): string | undefined {
  const id = messageId
    .trim()
    .toLowerCase()
    .replace(/^<(.*)>$/s, "$1");
  const end = `@${domain.toLowerCase()}`;
  return id.endsWith(end) ? tagAfter("", id.slice(0, -end.length)) : undefined;
}

/** @throws TypeError when permits hand out a tag that nobody could read back */
export function checkTag(tag: string | undefined): string | undefined {
  if (tag !== undefined && !tagPattern.test(tag)) {
    throw new TypeError("a permit's returnTag is 26 characters of a-z and 2-7");
  }
  return tag;
}

function tagAfter(start: string, value: string): string | undefined {
  const tag = value.slice(start.length);
  return value.startsWith(start) && tagPattern.test(tag) ? tag : undefined;
}
