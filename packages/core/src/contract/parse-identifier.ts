import { domainToASCII } from "node:url";
import { InvalidInputError } from "../errors/invalid-input-error.ts";
import type { Identifier } from "./identifier.ts";

/** An identifier in the forms that heed needs. */
export interface ParsedIdentifier extends Identifier {
  /** As the caller wrote it, trimmed: the application's own row may be found by exactly that. */
  readonly written: string;
  /** What is compared and digested: for an e-mail the local part is lower-cased as well. */
  readonly canonical: string;
}

const localPart = /^[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+(?:\.[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+)*$/u;
/** `domainToASCII` reads as a URL's host does: it would cut a path off, and decode a percent sign. */
const domainText = /^(?:[A-Za-z0-9.-]|\P{ASCII})+$/u;
const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Makes the error without the value: a refused address may well be somebody's. */
function refuse(kind: string, problem: string): InvalidInputError {
  return new InvalidInputError(
    `The ${kind} cannot be read: ${problem}. Pass one plain value; heed parses and never repairs.`,
    {
      code: "unparsable-identifier",
      issues: [{ path: kind, message: problem }],
    },
  );
}

function parseEmail(value: string): ParsedIdentifier {
  const address = value.trim().normalize("NFC");
  const at = address.lastIndexOf("@");
  if (at < 1) throw refuse("email", "it is not of the form local@domain");
  const local = address.slice(0, at);
  if (Buffer.byteLength(local) > 64)
    throw refuse("email", "the part before the @ is longer than 64 octets (RFC 5321 4.5.3.1)");
  if (!localPart.test(local)) {
    throw refuse(
      "email",
      "the part before the @ has characters that an address may not have unquoted (RFC 5322 3.4.1)",
    );
  }
  const given = address.slice(at + 1);
  const domain = domainText.test(given) ? domainToASCII(given).toLowerCase() : "";
  const labels = domain.split(".");
  // No top-level domain is a number (RFC 3696 2): that is an IP address.
  const isAddress = /^\d+$/.test(labels.at(-1) ?? "");
  if (labels.length < 2 || isAddress || !labels.every((each) => label.test(each))) {
    throw refuse("email", "the part after the @ is not a domain name");
  }
  const read = `${local}@${domain}`;
  if (Buffer.byteLength(read) > 254) throw refuse("email", "it is longer than 254 octets (RFC 5321 4.5.3.1)");
  return {
    kind: "email",
    value: read,
    written: value.trim(),
    canonical: `${local.toLowerCase()}@${domain}`,
  };
}

function parsePhone(value: string): ParsedIdentifier {
  const number = value.replaceAll(/[\s().-]/g, "");
  // "(0)" is dialled at home only: whether it belongs to the number differs by country.
  if (/\(\s*0\s*\)/.test(value) || !/^\+[1-9]\d{6,14}$/.test(number))
    throw refuse("phone", "it is not an international number such as +46 8 123 456 (E.164)");
  return { kind: "phone", value: number, written: value.trim(), canonical: number };
}

/**
 * Reads one identifier, or throws an {@link InvalidInputError} that does not quote it.
 *
 * E-mail: trimmed, NFC, domain as lower-case A-label (UTS 46); the canonical form has the local part in
 * lower case as well; `+tag` and dots are kept. Phone: E.164. Every other kind: trimmed, NFC, at most 256
 * characters, no control characters.
 */
export function parseIdentifier(kind: string, value: unknown): ParsedIdentifier {
  if (typeof value !== "string") throw refuse(kind, "it is not a string");
  if (/[\p{Cc}\p{Cf}]/u.test(value.trim())) throw refuse(kind, "it has control characters");
  if (kind === "email") return parseEmail(value);
  if (kind === "phone") return parsePhone(value);
  const plain = value.trim().normalize("NFC");
  if (plain === "" || plain.length > 256) throw refuse(kind, "it is empty or longer than 256 characters");
  return { kind, value: plain, written: value.trim(), canonical: plain };
}
