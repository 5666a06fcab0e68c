import { HeedError, type ParsedIdentifier } from "@heed/core/contract";
import type * as Mailauth from "mailauth";
import { authResultsSay } from "./auth-results.ts";
import { valuesOf, type Fields } from "./fields.ts";
import { isReadWhole } from "./read-mime.ts";
import { addressedTo, readAddress } from "./sender-of.ts";

/** Asks the domain name system, as `dns.promises.resolve` does. */
export type DnsResolver = (name: string, type: string) => Promise<string[] | string[][]>;

/** What the server that took a mail knows of where it came from. */
export interface InboundEnvelope {
  /** Of `MAIL FROM`; empty for a bounce. Where it is not known, the mail's own `Return-Path` says whether it is one. */
  readonly mailFrom?: string | undefined;
  /** Of `RCPT TO`. */
  readonly rcptTo: readonly string[];
  readonly remoteIp?: string | undefined;
  /** The name that the client gave itself. */
  readonly helo?: string | undefined;
  /**
   * The value of the `Authentication-Results` (RFC 8601) that your own provider put on the mail when it came in. It is
   * believed, so never pass one that may have been in the mail already.
   */
  readonly authResults?: string | undefined;
}

/** What a signature must cover where it is there, or it could be somebody else's use of a mail that is genuine. */
const covered = ["from", "to", "cc", "subject", "message-id"] as const;
/** Of two, one would be signed, and another one read. */
const once = [...covered, "date", "content-type", "mime-version", "sender"] as const;

/** Each costs look-ups at whoever's name it bears. */
const maxSignatures = 10;

/**
 * Whether a mail is from who it says: DMARC passes, for the domain of From (RFC 7489), and the mail was written to us.
 *
 * A signature says that a mail is genuine, and not that it was meant for us: a genuine mail to somebody else, or an old
 * one under a new subject or id, would pass DMARC as well. So To or Cc names an address of ours, and every signature
 * covers what this relies on.
 */
export async function isProven(
  mail: { readonly raw: Uint8Array; readonly fields: Fields; readonly sender: ParsedIdentifier },
  envelope: InboundEnvelope,
  settings: { readonly serves: (address: string) => boolean; readonly resolver?: DnsResolver | undefined },
): Promise<boolean> {
  const { fields, sender } = mail;
  const isSingle = once.every((name) => valuesOf(fields, name).length <= 1);
  const hasId = valuesOf(fields, "message-id").length === 1;
  if (!isSingle || !hasId || !addressedTo(fields).some(settings.serves)) return false;
  const signatures = valuesOf(fields, "dkim-signature");
  const relied = covered.filter((name) => valuesOf(fields, name).length > 0);
  if (signatures.length > maxSignatures || !signatures.every((each) => covers(each, relied))) return false;
  const domain = sender.canonical.slice(sender.canonical.lastIndexOf("@") + 1);
  return envelope.authResults === undefined
    ? passesDmarc(mail, envelope, settings.resolver)
    : authResultsSay(envelope.authResults, domain);
}

function covers(signature: string, relied: readonly string[]): boolean {
  const tags = new Map(
    signature.split(";").map((tag) => {
      const at = tag.indexOf("=");
      return [tag.slice(0, Math.max(at, 0)).trim().toLowerCase(), tag.slice(at + 1)] as const;
    }),
  );
  const names = new Set(
    (tags.get("h") ?? "")
      .toLowerCase()
      .split(":")
      .map((name) => name.trim()),
  );
  // With `l=` anybody may write on after the end of the body (RFC 6376 8.2).
  return !tags.has("l") && relied.every((name) => names.has(name));
}

async function passesDmarc(
  { raw, sender }: { readonly raw: Uint8Array; readonly sender: ParsedIdentifier },
  { mailFrom, remoteIp, helo }: InboundEnvelope,
  resolver: DnsResolver | undefined,
): Promise<boolean> {
  // Every line costs, and blank ones most: ten megabytes of them would keep everything else waiting for a minute.
  if (!isReadWhole(raw)) return false;
  const { authenticate } = await loadMailauth();
  try {
    const { dkim, dmarc } = await authenticate(Buffer.from(raw), {
      disableArc: true,
      disableBimi: true,
      // A server is asked about (SPF) only for the address that it named.
      ...(mailFrom !== undefined && remoteIp !== undefined && { sender: mailFrom, ip: remoteIp }),
      ...(helo !== undefined && { helo }),
      ...(resolver !== undefined && { resolver }),
    });
    const [from = ""] = dkim.headerFrom;
    // Read by two programs, From must be the same.
    return (
      dmarc !== false && dmarc.status.result === "pass" && readAddress(from)?.canonical === sender.canonical
    );
  } catch {
    // Nothing was proven; the mail may have been made so that nothing can be.
    return false;
  }
}

/** @throws HeedError `peer-missing` */
export async function loadMailauth(): Promise<typeof Mailauth> {
  try {
    return await import("mailauth");
  } catch (cause) {
    throw new HeedError(
      "Who a mail is from is checked with the package mailauth, which is not installed: `npm install mailauth`, or pass `authResults` of your provider.",
      { code: "peer-missing", cause },
    );
  }
}
