import { valueOf, valuesOf, type Fields } from "./fields.ts";

/** What mailing lists and answering machines put on what they send. */
const markers = [
  "list-id",
  "x-auto-response-suppress",
  "x-autoreply",
  "x-autorespond",
  "x-autoresponder",
  "x-heed-loop",
];

/** Set on what heed answers, to know it again. */
export const loopHeader = "X-Heed-Loop";

/**
 * Whether a machine wrote the mail (RFC 3834 2, and what mail servers really do): a bounce, a vacation reply, a mailing
 * list, our own mail come back. Such a mail is never answered, and no wish of a person's.
 */
export function isAutomatic(
  fields: Fields,
  mailFrom: string | undefined,
  ownDomains: ReadonlySet<string>,
): boolean {
  const [submitted] = /^[^\s;(]*/.exec(valueOf(fields, "auto-submitted")?.toLowerCase() ?? "no") ?? [];
  return (
    (mailFrom !== undefined && isNull(mailFrom)) ||
    valuesOf(fields, "return-path").some(isNull) ||
    submitted !== "no" ||
    /^(?:bulk|list|junk|auto_reply)\b/i.test(valueOf(fields, "precedence") ?? "") ||
    /^multipart\/report\b/i.test(valueOf(fields, "content-type") ?? "") ||
    markers.some((name) => valueOf(fields, name) !== undefined) ||
    valuesOf(fields, "message-id").some((value) => isOurs(value, ownDomains))
  );
}

const isNull = (path: string): boolean => path.trim() === "" || path.trim() === "<>";

/** Made by the mailer: colleagues' mail programs make other ids under the same domain. */
function isOurs(messageId: string, ownDomains: ReadonlySet<string>): boolean {
  const [, domain] =
    /^\s*<(?:[a-z2-7]{26}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})@([^<>]+)>/i.exec(messageId) ?? [];
  return domain !== undefined && ownDomains.has(domain.toLowerCase());
}
