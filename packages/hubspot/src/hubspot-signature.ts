import { createHash, createHmac, timingSafeEqual } from "node:crypto";

/** The ways in which HubSpot signs. Only the third one dates a request, so that a copy of it is worth nothing later. */
export type SignatureVersion = "v1" | "v2" | "v3";

/** A request as it came in. */
export interface SignedRequest {
  readonly method: string;
  /** The whole URL as HubSpot called it: scheme, host, path and query, before any proxy changed them. */
  readonly url: string;
  /** The bytes as they came. Parsed and written again, JSON is other bytes. */
  readonly body: Uint8Array;
  readonly headers: Headers;
}

/** What a signature is held against. */
export interface SignedWith {
  /** The app's client secret. */
  readonly clientSecret: string;
  readonly now: Date;
  /** Default: the third version alone. Legacy private apps sign with the first. */
  readonly accepts?: readonly SignatureVersion[];
}

/** Older than this, or from further ahead, is a copy or a wrong clock. */
const toleranceMs = 300_000;

/** What HubSpot decodes of the URL before it signs, and no more. */
const decoded: Readonly<Record<string, string>> = {
  "%3A": ":",
  "%2F": "/",
  "%3F": "?",
  "%40": "@",
  "%21": "!",
  "%24": "$",
  "%27": "'",
  "%28": "(",
  "%29": ")",
  "%2A": "*",
  "%2C": ",",
  "%3B": ";",
};

/**
 * Whether HubSpot signed this request. A request with a signature of the third version is judged by that one alone,
 * so that nobody leaves it wrong and adds an older one. Compared in constant time; no text of a request makes it throw.
 *
 * @see https://developers.hubspot.com/docs/apps/legacy-apps/authentication/validating-requests
 */
export function isSignedByHubspot(
  { method, url, body, headers }: SignedRequest,
  { clientSecret, now, accepts = ["v3"] }: SignedWith,
): boolean {
  const dated = headers.get("x-hubspot-signature-v3");
  if (dated !== null) {
    const timestamp = headers.get("x-hubspot-request-timestamp") ?? "";
    if (!accepts.includes("v3") || !isRecent(timestamp, now)) return false;
    const hmac = createHmac("sha256", clientSecret)
      .update(method + decodeUrl(url))
      .update(body)
      .update(timestamp);
    return isSame(dated, hmac.digest("base64"));
  }
  const undated = headers.get("x-hubspot-signature");
  const version = headers.get("x-hubspot-signature-version") ?? "v1";
  if (undated === null || (version !== "v1" && version !== "v2") || !accepts.includes(version)) return false;
  const signed = version === "v1" ? clientSecret : clientSecret + method + url;
  return isSame(undated, createHash("sha256").update(signed).update(body).digest("hex"));
}

function isRecent(timestamp: string, now: Date): boolean {
  return /^\d{1,15}$/.test(timestamp) && Math.abs(now.getTime() - Number(timestamp)) <= toleranceMs;
}

function decodeUrl(url: string): string {
  return url.replaceAll(/%[0-9a-f]{2}/gi, (code) => decoded[code.toUpperCase()] ?? code);
}

function isSame(given: string, expected: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(expected)];
  return one.length === other.length && timingSafeEqual(one, other);
}
