import { parseIdentifier, type ParsedIdentifier } from "@heed/core/contract";
import { addressParser } from "postal-mime";
import { valuesOf, type Fields } from "./fields.ts";

/** Who a mail says that it is from: exactly one address in exactly one From field; a display name counts for nothing. */
export function senderOf(fields: Fields): ParsedIdentifier | undefined {
  const [from, ...more] = valuesOf(fields, "from");
  if (from === undefined || more.length > 0) return undefined;
  // A second address in angle brackets would leave it to each reader which one counts.
  if ((from.match(/</g) ?? []).length > 1) return undefined;
  const [sender, ...others] = addressParser(from);
  if (sender?.address === undefined || others.length > 0) return undefined;
  return readAddress(sender.address);
}

/** The addresses in To and Cc, as they compare. What cannot be read is left out. */
export function addressedTo(fields: Fields): string[] {
  return ["to", "cc"]
    .flatMap((name) => valuesOf(fields, name))
    .flatMap((value) => addressParser(value, { flatten: true }))
    .flatMap(({ address }) => (address === undefined ? [] : [readAddress(address)?.canonical ?? ""]))
    .filter(Boolean);
}

/** An address as heed reads it, or undefined where it is none. */
export function readAddress(value: string): ParsedIdentifier | undefined {
  try {
    return parseIdentifier("email", value);
  } catch {
    return undefined;
  }
}
