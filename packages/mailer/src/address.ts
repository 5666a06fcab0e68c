import { parseIdentifier } from "@heed/core/contract";
import { refuse } from "./parse.ts";

/**
 * Reads exactly one plain address (RFC 5321 Mailbox, unquoted), as it is to stand in the envelope.
 *
 * Lists, display names, angle brackets and line breaks are refused, never repaired: a repaired address is
 * another person's. So is a local part outside ASCII, which needs SMTPUTF8 on the whole way.
 *
 * @throws InvalidInputError that does not quote the address
 */
export function parseAddress(what: string, path: string, value: string): string {
  if (/\p{Cc}/u.test(value)) throw refuse(what, path, "it has control characters");
  const address = parseIdentifier("email", value).value;
  if (/\P{ASCII}/u.test(address)) {
    throw refuse(
      what,
      path,
      "its part before the @ is not ASCII, which this mailer cannot send to (RFC 6531)",
    );
  }
  return address;
}
