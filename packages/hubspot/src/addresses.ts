import { domainToUnicode } from "node:url";
import { parseIdentifier, type Call, type Identifier, type OperationName } from "@heed/core/contract";

/** The identifiers that the adapter searches by. */
export type HubspotKind = "email" | "hubspotContactId";

/**
 * The ways in which HubSpot may hold an address: in lower case, with the domain as it travels
 * (`xn--rka-qla.example`), which comes first, or as it is typed (`räka.example`). One spelling for most.
 */
export function spellingsOf(address: string): readonly [string, ...string[]] {
  const lower = address.trim().normalize("NFC").toLowerCase();
  const canonical = canonicalAddress(lower);
  if (canonical === undefined) return [lower];
  const at = canonical.lastIndexOf("@") + 1;
  const others = new Set([canonical.slice(0, at) + domainToUnicode(canonical.slice(at)), lower]);
  others.delete(canonical);
  return [canonical, ...others];
}

/** An address in the one form that heed compares; absent when heed would not take it as an address. */
export function canonicalAddress(address: string): string | undefined {
  try {
    return parseIdentifier("email", address).canonical;
  } catch {
    return undefined;
  }
}

/** What an identifier is searched by. Only those of an address have an `@`. */
export function keysOf({ kind, value }: Identifier<HubspotKind>): readonly string[] {
  return kind === "email" ? spellingsOf(value) : [value];
}

/** The addresses that a call names, each in the spelling that is written to. */
export function addressesOf(call: Call<OperationName, HubspotKind>): readonly string[] {
  const named = call.identifiers.filter(({ kind }) => kind === "email");
  return [...new Set(named.map(({ value }) => spellingsOf(value)[0]))];
}
