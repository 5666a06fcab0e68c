import { createPrivateKey, createPublicKey, KeyObject } from "node:crypto";
import { domainToASCII } from "node:url";
import { compose } from "./compose.ts";
import { coveredFields, createSigner, type Sign } from "./dkim-sign.ts";
import { verifySignature } from "./dkim-verify.ts";
import type { DkimOptions, From } from "./options.ts";
import { createHeaders } from "./own-headers.ts";
import { refuse } from "./parse.ts";
import type { Stream } from "./streams.ts";
import { sampleToken, type UnsubscribeLink } from "./unsubscribe-link.ts";

/** What {@link Mailer.preflight} found to be right, and what could be better. */
export interface PreflightReport {
  /** How each is signed; the same twice, unless the options tell them apart. */
  readonly streams: Readonly<Record<Stream, SignedStream>>;
  /** The header fields that a signature covers, each against being added once more as well. */
  readonly covered: readonly string[];
  /** Worth mending, but no reason to refuse. */
  readonly warnings: readonly string[];
}

/** Who signs the mail of a stream. */
export interface SignedStream {
  readonly domain: string;
  readonly selector: string;
  readonly keyBits: number;
}

/** A stream's sender, and how its mail is to be signed. */
interface Sender {
  readonly from: Exclude<From, string>;
  readonly dkim: DkimOptions;
}

/**
 * Signs a sample of each stream exactly as a message is signed, verifies it with other code, and sees that
 * adding any covered field breaks it. Makes no connection.
 *
 * @throws InvalidInputError for a key that is not RSA or has fewer than 2048 bits, a domain that the From
 * address is not aligned with, an unsubscribe URL that is not https: nothing is sent then, least of all unsigned
 */
export async function preflight(settings: {
  senders: Readonly<Record<Stream, Sender>>;
  link: (token: string) => UnsubscribeLink;
  now: Date;
}): Promise<{ report: PreflightReport; signers: Readonly<Record<Stream, Sign>> }> {
  const { senders, link, now } = settings;
  const { url, header } = link(sampleToken);
  const marketing = await checkSender(senders.marketing, header, now);
  const isOne =
    senders.marketing.dkim === senders.other.dkim &&
    senders.marketing.from.address === senders.other.from.address;
  const other = isOne ? marketing : await checkSender(senders.other, header, now);
  const warnings =
    url.length > 200 ? [`The unsubscribe URL has ${url.length} characters; keep it under 200.`] : [];
  return {
    report: {
      streams: { marketing: marketing.stream, other: other.stream },
      covered: coveredFields,
      warnings,
    },
    signers: { marketing: marketing.sign, other: other.sign },
  };
}

async function checkSender({ from, dkim }: Sender, listUnsubscribe: string, now: Date) {
  const key = readKey(dkim.privateKey);
  const domain = alignedDomain(dkim.domain, from.address);

  const sign = createSigner({ domain, selector: dkim.selector, key });
  const sample = compose({
    from,
    to: `preflight@${domain}`,
    message: { subject: "Preflight", text: "Sample\r\n" },
    messageId: `<preflight@${domain}>`,
    at: now,
    own: createHeaders({})({ topic: "preflight", class: "marketing", listUnsubscribe }),
  });
  const raw = await sign(sample, now);
  const publicKey = createPublicKey(key);
  const holds = (message: Buffer): boolean => verifySignature(message, publicKey);
  const forged = coveredFields.map((name) => Buffer.concat([Buffer.from(`${name}: forged\r\n`), raw]));
  if (!holds(raw) || forged.some(holds)) {
    throw refuse("DKIM signature", "dkim", "a sample that was signed with this key does not verify");
  }
  return { sign, stream: { domain, selector: dkim.selector, keyBits: bitsOf(key) } };
}

const bitsOf = (key: KeyObject): number => key.asymmetricKeyDetails?.modulusLength ?? 0;

/** @throws InvalidInputError for anything but an RSA private key of 2048 bits or more */
export function readKey(privateKey: unknown): KeyObject {
  const key = privateKey instanceof KeyObject ? privateKey : readPem(privateKey);
  if (key?.type !== "private" || key.asymmetricKeyType !== "rsa") {
    throw refuse("DKIM key", "dkim.privateKey", "it is not the PEM or KeyObject of an RSA private key");
  }
  if (bitsOf(key) < 2048)
    throw refuse(
      "DKIM key",
      "dkim.privateKey",
      "it has fewer than 2048 bits (RFC 8301 3.2); make a longer one",
    );
  return key;
}

function readPem(pem: unknown): KeyObject | undefined {
  if (typeof pem !== "string" && !Buffer.isBuffer(pem)) return undefined;
  try {
    return createPrivateKey(pem);
  } catch {
    // The caller says what is wrong; OpenSSL's own words help nobody.
    return undefined;
  }
}

/** DMARC's relaxed alignment (RFC 7489 3.1.1), without a public suffix list: one is in the other. */
function alignedDomain(value: string, address: string): string {
  const domain = domainToASCII(value).toLowerCase();
  const ofFrom = address.slice(address.lastIndexOf("@") + 1);
  const aligned =
    domain.includes(".") && (`.${ofFrom}`.endsWith(`.${domain}`) || domain.endsWith(`.${ofFrom}`));
  if (!aligned)
    throw refuse("DKIM domain", "dkim.domain", "the From address is not aligned with it (RFC 7489 3.1.1)");
  return domain;
}

/** Looks a TXT record up, as `resolveTxt` of node:dns/promises does: each record in its pieces. */
export type ResolveTxt = (name: string) => Promise<readonly (readonly string[])[]>;

/**
 * Sees that the world can verify what a stream signs: its key is the one at `<selector>._domainkey.<domain>`
 * (RFC 6376 3.6).
 *
 * @throws InvalidInputError when it is not, or cannot be looked up
 */
export async function checkRecord(
  { domain, selector }: SignedStream,
  privateKey: DkimOptions["privateKey"],
  resolveTxt: ResolveTxt,
): Promise<void> {
  const own = createPublicKey(readKey(privateKey)).export({ type: "spki", format: "der" }).toString("base64");
  const records = await resolveTxt(`${selector}._domainkey.${domain}`).catch(() => []);
  const published = records.map((pieces) =>
    /(?:^|;)\s*p=([^;]*)/.exec(pieces.join(""))?.[1]?.replaceAll(/\s/g, ""),
  );
  if (!published.includes(own)) {
    throw refuse(
      "DKIM key",
      "dkim.selector",
      "its public key is not what the DNS has at <selector>._domainkey.<domain>",
    );
  }
}
