import { createHmac, timingSafeEqual } from "node:crypto";
import fc from "fast-check";
import { afterAll, describe, expect, it, vi } from "vitest";
import type { SignatureVersion } from "./hubspot-signature.ts";

// As it is, and heard of: what takes how long cannot be measured well enough to be told.
vi.mock("node:crypto", { spy: true });
// Another test file of this process may have loaded it with the real one, and none after this is to have the one heard of.
vi.resetModules();
const { isSignedByHubspot } = await import("./hubspot-signature.ts");
afterAll(() => vi.resetModules());

const clientSecret = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy";
const now = new Date("2026-11-22T12:00:00.000Z");
const url = "https://www.example.com/webhook_uri";
const bytes = (text: string) => new TextEncoder().encode(text);

/** A signature of the third version, made by HubSpot's recipe: method, URL as it is signed, body, timestamp. */
function sign(method: string, signedUrl: string, body: string, timestamp: string, secret = clientSecret) {
  return createHmac("sha256", secret)
    .update(method + signedUrl + body + timestamp, "utf8")
    .digest("base64");
}

interface Sent {
  readonly method: string;
  readonly url: string;
  readonly body: string;
  readonly timestamp: string;
  readonly signature: string;
}

function accepts({ method, url, body, timestamp, signature }: Sent, secret = clientSecret): boolean {
  const headers = new Headers({
    "X-HubSpot-Signature-v3": signature,
    "X-HubSpot-Request-Timestamp": timestamp,
  });
  return isSignedByHubspot({ method, url, body: bytes(body), headers }, { clientSecret: secret, now });
}

const sent = (set: Partial<Sent> = {}): Sent => {
  const request = { method: "POST", url, body: '[{"objectId":1}]', timestamp: String(now.getTime()), ...set };
  const { method, body, timestamp } = request;
  return { signature: sign(method, request.url, body, timestamp), ...request };
};

describe("a signature of the first two versions", () => {
  const body = bytes(
    '[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,"subscriptionType":"contact.creation","attemptNumber":0,"objectId":123,"changeSource":"CRM","changeFlag":"NEW","appId":54321}]',
  );
  // The digests that HubSpot publishes.
  const vectors = {
    v1: {
      method: "POST",
      body,
      signature: "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de",
    },
    v2: {
      method: "GET",
      body: bytes(""),
      signature: "eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e",
    },
  } as const;
  const judge = (version: keyof typeof vectors, allowed?: readonly SignatureVersion[], changed = "") => {
    const { method, body, signature } = vectors[version];
    const headers = new Headers({
      "X-HubSpot-Signature": signature,
      "X-HubSpot-Signature-Version": version,
    });
    const request = { method, url, body: bytes(new TextDecoder().decode(body) + changed), headers };
    return isSignedByHubspot(request, {
      clientSecret,
      now,
      ...(allowed === undefined ? {} : { accepts: allowed }),
    });
  };

  it.each(["v1", "v2"] as const)("is what HubSpot publishes (%s), where it is accepted", (version) => {
    expect(judge(version, [version])).toBe(true);
    expect(judge(version, [version], " ")).toBe(false);
    expect(judge(version)).toBe(false);
    expect(judge(version, version === "v1" ? ["v2"] : ["v1"])).toBe(false);
  });
});

describe("a signature of the third version", () => {
  it("is accepted, and none is missed", () => {
    expect(accepts(sent())).toBe(true);
    const bare = { method: "POST", url, body: bytes(""), headers: new Headers() };
    expect(isSignedByHubspot(bare, { clientSecret, now, accepts: ["v1", "v2", "v3"] })).toBe(false);
  });

  it("is of any body, method, secret and encoding, and of no other", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "binary" }),
        fc.constantFrom("GET", "POST", "PUT"),
        fc.string({ unit: "binary", minLength: 1 }),
        fc.webUrl({ withQueryParameters: true }),
        (body, method, secret, given) => {
          // Signed as a URL without anything that HubSpot would decode reads.
          const plain = given.replaceAll(/%../g, "");
          const request = { method, url: plain, body, timestamp: String(now.getTime()) };
          const signature = sign(
            method,
            plain,
            Buffer.from(body).toString("utf8"),
            request.timestamp,
            secret,
          );
          const signed = { ...request, signature };
          expect(accepts(signed, secret)).toBe(true);
          expect(accepts({ ...signed, body: `${body} ` }, secret)).toBe(false);
          expect(accepts({ ...signed, method: `${method}S` }, secret)).toBe(false);
          expect(accepts({ ...signed, url: `${plain}x` }, secret)).toBe(false);
          expect(accepts({ ...signed, timestamp: String(now.getTime() - 1) }, secret)).toBe(false);
          expect(accepts(signed, `${secret}x`)).toBe(false);
        },
      ),
    );
  });

  it("decodes the twelve characters that HubSpot decodes, in either spelling, and nothing else", () => {
    const written = `${url}?a=%3A%2F%3F%40%21%24%27%28%29%2A%2C%3B&b=%3a%2f&c=%20%2B%26%25%3D%C3%A5`;
    const signed = `${url}?a=:/?@!$'()*,;&b=:/&c=%20%2B%26%25%3D%C3%A5`;
    const request = sent({ url: written });
    const signature = sign("POST", signed, request.body, request.timestamp);
    expect(accepts({ ...request, signature })).toBe(true);
    // As it was written, it was not signed.
    expect(accepts(request)).toBe(false);
    const all = decodeURIComponent(written);
    expect(accepts({ ...request, signature: sign("POST", all, request.body, request.timestamp) })).toBe(
      false,
    );
  });

  it.each([
    [-300_000, true],
    [-300_001, false],
    [300_000, true],
    [300_001, false],
    [3_600_000, false],
  ])("that is dated %i ms from now is accepted: %s", (ms, expected) => {
    expect(accepts(sent({ timestamp: String(now.getTime() + ms) }))).toBe(expected);
  });

  const instant = now.getTime();
  it.each(["abc", "", "NaN", `0x${instant.toString(16)}`, `+${instant}`, `${instant}.5`, `-${instant}`])(
    "that is dated %j is not accepted",
    (timestamp) => {
      expect(accepts(sent({ timestamp }))).toBe(false);
    },
  );

  it("is not replaced by an older one that is right", () => {
    const legacy = { v1: "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de" };
    const headers = new Headers({
      "X-HubSpot-Signature-v3": sent().signature.toLowerCase(),
      "X-HubSpot-Request-Timestamp": String(now.getTime()),
      "X-HubSpot-Signature": legacy.v1,
      "X-HubSpot-Signature-Version": "v1",
    });
    const request = { method: "POST", url, body: bytes("[]"), headers };
    expect(isSignedByHubspot(request, { clientSecret, now, accepts: ["v1", "v2", "v3"] })).toBe(false);
  });

  it.each([0, 43])("that is wrong at character %i is compared in constant time, in full", (at) => {
    const right = sent().signature;
    const wrong = right.slice(0, at) + (right[at] === "A" ? "B" : "A") + right.slice(at + 1);
    vi.mocked(timingSafeEqual).mockClear();
    expect(accepts(sent({ signature: wrong }))).toBe(false);
    expect(vi.mocked(timingSafeEqual).mock.calls).toEqual([[Buffer.from(wrong), Buffer.from(right)]]);
  });

  it("of any text is refused without a throw", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme-ascii" }), fc.string(), (signature, address) => {
        expect(accepts({ ...sent(), url: address, signature: signature.trim() })).toBe(false);
      }),
    );
  });
});
