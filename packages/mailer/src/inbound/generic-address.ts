/**
 * The address in a field of the form `rfc822; anna@dest.example` or `utf-8; …` (RFC 3464 2.1.2, RFC 6533 3), or
 * undefined where it was redacted or is none.
 *
 * Of `xtext` (RFC 3461 4) only `+2B` and `+3D` are decoded: nothing else in an ASCII address may be encoded so, and
 * `anna+20@dest.example` is somebody's.
 */
export function readGenericAddress(value: string | undefined): string | undefined {
  const [, type = "", given = ""] = /^\s*([A-Za-z0-9-]+)\s*;(.*)$/s.exec(value ?? "") ?? [];
  const address = given.trim().replace(/^<(.*)>$/, "$1");
  const read =
    type.toLowerCase() === "utf-8"
      ? address.replaceAll(/\\x\{([0-9A-F]{2,6})\}/gi, (whole, hex: string) => characterOf(hex) ?? whole)
      : address.replaceAll(/\+(2B|3D)/g, (_, hex: string) => characterOf(hex) ?? "");
  return /^[^\s@]+@[^\s@]+$/.test(read) ? read : undefined;
}

function characterOf(hex: string): string | undefined {
  const code = Number.parseInt(hex, 16);
  const isCharacter = code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
  return isCharacter ? String.fromCodePoint(code) : undefined;
}
