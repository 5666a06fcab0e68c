import { createHash, verify as verifyBytes, type KeyObject } from "node:crypto";

/**
 * Verifies a message's first DKIM signature, relaxed/relaxed and rsa-sha256, from the bytes alone (RFC 6376
 * 6.1.3): body hash and header hash both agree.
 *
 * Shares no code with the signer on purpose: it is what would notice the signer's mistake.
 */
export function verifySignature(raw: Buffer, publicKey: KeyObject): boolean {
  const message = raw.toString("latin1");
  const border = message.indexOf("\r\n\r\n") + 2;
  const fields = message
    .slice(0, border)
    .replaceAll(/\r\n(?=[\t ])/g, "")
    .split("\r\n")
    .filter(Boolean)
    .map(canonicalField);
  const signature = fields.find(([name]) => name === "dkim-signature")?.[1] ?? "";
  const tag = (name: string): string =>
    new RegExp(`(?:^|;) ?${name} ?=([^;]*)`).exec(signature)?.[1]?.replaceAll(" ", "") ?? "";

  const left = new Map<string, string[]>();
  for (const [name, value] of fields) left.set(name, [...(left.get(name) ?? []), value]);
  const input: string[] = [];
  for (const name of tag("h").toLowerCase().split(":")) {
    const value = left.get(name)?.pop();
    if (value !== undefined) input.push(`${name}:${value}`);
  }
  input.push(`dkim-signature:${signature.replace(/(; ?b ?=)[^;]*/, "$1")}`);

  const body = message
    .slice(border + 2)
    .replaceAll(/[\t ]+/g, " ")
    .replaceAll(" \r\n", "\r\n")
    .replace(/(?:\r\n)*$/, "\r\n");
  const bodyHash = createHash("sha256")
    .update(body === "\r\n" ? "" : body, "latin1")
    .digest("base64");

  return (
    tag("bh") === bodyHash &&
    verifyBytes(
      "sha256",
      Buffer.from(input.join("\r\n"), "latin1"),
      publicKey,
      Buffer.from(tag("b"), "base64"),
    )
  );
}

function canonicalField(field: string): [name: string, value: string] {
  const [, name = "", value = ""] = /^([^:\t ]*)[\t ]*:(.*)$/s.exec(field) ?? [];
  return [name.toLowerCase(), value.replaceAll(/[\t ]+/g, " ").replaceAll(/^ | $/g, "")];
}
