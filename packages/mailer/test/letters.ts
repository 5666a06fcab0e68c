import { generateKeyPairSync } from "node:crypto";
import { dkimSign } from "mailauth/lib/dkim/sign.js";
import type { DnsResolver } from "../src/index.ts";

const senderKeys = generateKeyPairSync("rsa", { modulusLength: 2048 });
const strangerKeys = generateKeyPairSync("rsa", { modulusLength: 2048 });

/** What a test's mail is made of. */
export interface LetterOptions {
  readonly from?: string;
  readonly to?: string;
  readonly subject?: string;
  readonly text?: string;
  readonly id?: string;
  /** Further header fields, each with its line end. */
  readonly head?: string;
}

let letters = 0;

/** A mail as a person's mail program writes it. */
export function letter(options: LetterOptions = {}): Buffer {
  letters += 1;
  const {
    from = "Anna <anna.canary@sender.example>",
    to = "webmaster@acme.example",
    subject = "unsubscribe",
    text = "",
    id = `<letter-${letters}@sender.example>`,
    head = "",
  } = options;
  const lines = `${head}From: ${from}
To: ${to}
${subject === "" ? "" : `Subject: ${subject}\n`}${id === "" ? "" : `Message-ID: ${id}\n`}Date: Mon, 02 Nov 2026 10:00:00 +0000
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8

${text}
`;
  return Buffer.from(lines.replaceAll(/\r?\n/g, "\r\n"));
}

/** Signs as another implementation does, and as most providers do: each field that is there, once. */
export async function sign(
  raw: Buffer,
  domain = "sender.example",
  headerList = "from:to:subject:date:message-id:mime-version:content-type",
  maxBodyLength?: number,
): Promise<Buffer> {
  const { signatures } = await dkimSign(raw, {
    headerList,
    // Left to itself it looks at the clock twice, and signs another second than it writes.
    signTime: new Date("2026-11-02T10:00:00Z"),
    signatureData: [
      {
        signingDomain: domain,
        selector: "s1",
        privateKey: (domain === "stranger.example" ? strangerKeys : senderKeys).privateKey
          .export({ type: "pkcs8", format: "pem" })
          .toString(),
        ...(maxBodyLength !== undefined && { maxBodyLength }),
      },
    ],
  } as unknown as Parameters<typeof dkimSign>[1]);
  return Buffer.concat([Buffer.from(`${signatures.trim()}\r\n`), raw]);
}

const record = (keys: typeof senderKeys): string =>
  `v=DKIM1; k=rsa; p=${keys.publicKey.export({ type: "spki", format: "der" }).toString("base64")}`;

const zone: Readonly<Record<string, string>> = {
  "TXT _dmarc.sender.example": "v=DMARC1; p=reject",
  "TXT s1._domainkey.sender.example": record(senderKeys),
  "TXT sender.example": "v=spf1 ip4:198.51.100.7 -all",
  "TXT _dmarc.stranger.example": "v=DMARC1; p=none",
  "TXT s1._domainkey.stranger.example": record(strangerKeys),
  "TXT stranger.example": "v=spf1 ip4:203.0.113.9 -all",
};

/** The domain name system, as far as the tests know of one. */
export const resolver: DnsResolver = async (name, type) => {
  const found = zone[`${type} ${name}`];
  if (found === undefined) throw Object.assign(new Error("not found"), { code: "ENOTFOUND" });
  return [[found]];
};
