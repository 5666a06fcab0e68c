import { generateKeyPairSync } from "node:crypto";
import { dkimSign } from "mailauth/lib/dkim/sign.js";
import { describe, expect, it } from "vitest";
import { keys } from "../test/setting.ts";
import { verifySignature } from "./dkim-verify.ts";

const plain =
  "From: Acme <news@acme.example>\r\nSubject:  Two\r\n  lines\r\nTo: anna@dest.example\r\n\r\nHi  you \r\n\r\n\r\n";

/** Signed by another implementation. */
async function signed(body = plain): Promise<string> {
  const privateKey = keys.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const signature = { signingDomain: "acme.example", selector: "s1", privateKey };
  const { signatures } = await dkimSign(Buffer.from(body), {
    canonicalization: "relaxed/relaxed",
    algorithm: "rsa-sha256",
    signTime: new Date("2026-11-21T10:00:00Z"),
    // Its types want the first, its code reads the second.
    ...signature,
    signatureData: [signature],
  });
  return signatures + body;
}

const valid = (raw: string, key = keys.publicKey): boolean => verifySignature(Buffer.from(raw), key);

describe("verifySignature", () => {
  it("believes another implementation's signature", async () => {
    expect(valid(await signed())).toBe(true);
    expect(valid(await signed("From: a@acme.example\r\n\r\n"))).toBe(true);
  });

  it.each([
    ["an altered field", "Two", "Six"],
    ["an altered body", "Hi", "Ho"],
    ["a field taken off", "To: anna@dest.example\r\n", ""],
    ["another domain", "d=acme.example", "d=evil.example"],
    ["a signature taken off", "DKIM-Signature", "X-Signature"],
  ])("does not believe %s", async (_what, from, to) => {
    const raw = await signed();
    expect(raw).toContain(from);
    expect(valid(raw.replace(from, to))).toBe(false);
  });

  it("does not believe another key", async () => {
    expect(valid(await signed(), generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey)).toBe(false);
  });
});
