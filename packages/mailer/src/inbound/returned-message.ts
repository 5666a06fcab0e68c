import { valueOf, valuesOf, type Fields } from "./fields.ts";
import { fieldsOf, type Part } from "./read-mime.ts";

/** Which message a report is about, as far as the report says so. */
export interface About {
  /** The tag that its permit gave it, lower case: whoever knows it has seen the message. */
  readonly tag?: string;
  /** Its Message-ID, with angle brackets. */
  readonly messageId?: string;
}

const tagShape = /^[a-z2-7]{26}$/;

/** The tag in an address such as `b+<tag>@bounces.acme.example` (VERP). Servers may change the case of its letters. */
function tagInAddress(address: string | undefined): string | undefined {
  return /^[^+@]+\+([a-z2-7]{26})@[^@]+$/i.exec(address?.replace(/^<(.*)>$/, "$1") ?? "")?.[1]?.toLowerCase();
}

function tagInMessageId(messageId: string | undefined): string | undefined {
  return /^<([a-z2-7]{26})@[^@]+>$/i.exec(messageId ?? "")?.[1]?.toLowerCase();
}

const returnedTypes: ReadonlySet<string> = new Set([
  "text/rfc822-headers",
  "message/rfc822",
  "message/global",
  "message/global-headers",
]);

/** The header fields of the message that came back with a report; none where none did. */
export function returnedFields(parts: readonly Part[]): Fields {
  const returned = parts.find(({ type }) => returnedTypes.has(type));
  return returned === undefined ? [] : fieldsOf(returned);
}

/**
 * Finds out which message a report is about: by the envelope's id, then by the Message-ID of what came back, then by
 * the address that it was to return to.
 *
 * @param report the fields that the report has about the message as a whole
 * @param mail the header fields of the mail that brings the report
 */
export function aboutMessage(report: Fields, returned: Fields, mail: Fields): About {
  const envelopeId = valueOf(report, "original-envelope-id")?.toLowerCase() ?? "";
  const messageIds = [
    ...valuesOf(returned, "message-id"),
    ...valuesOf(report, "x-original-message-id"),
    ...valuesOf(mail, "in-reply-to"),
  ].map((value) => value.trim());
  const returnPaths = [...valuesOf(returned, "return-path"), ...valuesOf(report, "original-mail-from")];
  const tag = tagShape.test(envelopeId)
    ? envelopeId
    : (firstOf(messageIds, tagInMessageId) ?? firstOf(returnPaths, tagInAddress));
  const messageId = messageIds.find((value) => /^<[^<>\s]{1,250}>$/.test(value));
  return { ...(tag !== undefined && { tag }), ...(messageId !== undefined && { messageId }) };
}

function firstOf(values: readonly string[], read: (value: string) => string | undefined): string | undefined {
  return values.map(read).find((each) => each !== undefined);
}
