import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { keys, newsletter, setting } from "../test/setting.ts";

const rsa = (modulusLength: number) => generateKeyPairSync("rsa", { modulusLength }).privateKey;
const pem = { type: "pkcs8", format: "pem" } as const;
const dkim = { domain: "acme.example", selector: "s1", privateKey: keys.privateKey };
const url = "https://acme.example/u";

/** A key that signs what it cannot verify itself: its numbers are two keys'. */
function brokenKey(): KeyObject {
  const [one, other] = [rsa(2048), rsa(2048)].map((key) => key.export({ format: "jwk" }));
  return createPrivateKey({ key: { ...one, n: other?.n ?? "" }, format: "jwk" });
}

describe("preflight", () => {
  it("says what it found right", async () => {
    const { post, mailer } = await setting();
    const report = await mailer.preflight();
    const stream = { domain: "acme.example", selector: "s1", keyBits: 2048 };
    expect(report).toMatchObject({ streams: { marketing: stream, other: stream }, warnings: [] });
    expect(report.covered).toEqual(expect.arrayContaining(["list-unsubscribe", "list-unsubscribe-post"]));
    expect(post.connections).toBe(0);
  });

  it.each([
    [
      "a garbage PEM",
      { dkim: { ...dkim, privateKey: "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----" } },
    ],
    ["an empty key", { dkim: { ...dkim, privateKey: "" } }],
    ["an Ed25519 key", { dkim: { ...dkim, privateKey: generateKeyPairSync("ed25519").privateKey } }],
    [
      "an RSA-PSS key",
      { dkim: { ...dkim, privateKey: generateKeyPairSync("rsa-pss", { modulusLength: 2048 }).privateKey } },
    ],
    ["a key whose halves do not belong together", { dkim: { ...dkim, privateKey: brokenKey() } }],
    ["a public key", { dkim: { ...dkim, privateKey: keys.publicKey } }],
    ["a 1024-bit key", { dkim: { ...dkim, privateKey: rsa(1024).export(pem).toString() } }],
    [
      "a bad key for one stream alone",
      { dkim: { marketing: dkim, other: { ...dkim, privateKey: keys.publicKey } } },
    ],
    [
      "a From address that one stream's key is not aligned with",
      { from: { marketing: "news@acme.example", other: "help@acme-mail.example" } },
    ],
    ["a domain that is not the From address's", { dkim: { ...dkim, domain: "evil.example" } }],
    ["a domain that only ends alike", { dkim: { ...dkim, domain: "me.example" } }],
    ["a top-level domain", { dkim: { ...dkim, domain: "example" } }],
    ["an http link", { unsubscribe: { url: "http://acme.example/u" } }],
    [
      "an http link to a name that only starts alike",
      { unsubscribe: { url: "http://localhost.evil.example/u" } },
    ],
    [
      "an http link to an address that only starts alike",
      { unsubscribe: { url: "http://127.0.0.1.evil.example/u" } },
    ],
    ["a link that is none", { unsubscribe: { url: "acme.example/u" } }],
    ["a link with a comma", { unsubscribe: { url: (token: string) => `https://acme.example/a,b/${token}` } }],
    [
      "a link with a line break",
      { unsubscribe: { url: (token: string) => `https://acme.example/\r\n/${token}` } },
    ],
    [
      "a link that is not ASCII",
      { unsubscribe: { url: (token: string) => `https://acme.example/å/${token}` } },
    ],
    ["a link of 901 characters", { unsubscribe: { url: url.padEnd(852, "u") } }],
  ])("refuses %s, and sends nothing", async (_what, options) => {
    const { post, book, mailer } = await setting({}, options);
    await expect(mailer.preflight()).rejects.toMatchObject({ name: "InvalidInputError" });
    await expect(mailer.send(newsletter)).rejects.toMatchObject({ name: "InvalidInputError" });
    expect([post.connections, book.entries]).toEqual([0, []]);
  });

  it.each([
    ["a PEM", { dkim: { ...dkim, privateKey: keys.privateKey.export(pem).toString() } }],
    ["a PEM in a buffer", { dkim: { ...dkim, privateKey: Buffer.from(keys.privateKey.export(pem)) } }],
    ["a subdomain's From address", { from: "news@mail.acme.example" }],
    ["a subdomain's key", { dkim: { ...dkim, domain: "mail.acme.example" } }],
    ["an http link on this machine", { unsubscribe: { url: "http://127.0.0.1:3000/u" } }],
    ["a link of 900 characters", { unsubscribe: { url: url.padEnd(851, "u") } }],
  ])("accepts %s", async (_what, options) => {
    const { post, mailer } = await setting({}, options);
    await mailer.preflight();
    expect(await mailer.send(newsletter)).toMatchObject({ status: "accepted" });
    expect(post.messages).toHaveLength(1);
  });

  it("refuses a signature that a field can be added under", async () => {
    vi.resetModules();
    vi.doMock(import("./dkim-sign.ts"), async (original) => {
      const signer = await original();
      // One field more than the signer covers.
      return { ...signer, coveredFields: [...signer.coveredFields, "x-added"] as never };
    });
    onTestFinished(() => {
      vi.doUnmock("./dkim-sign.ts");
      vi.resetModules();
    });
    const { preflight } = await import("./preflight.ts");
    const sender = { from: { name: "Acme", address: "news@acme.example" }, dkim };
    const link = (token: string) => ({ url: `${url}/${token}`, header: `<${url}/${token}>` });
    const checked = preflight({ senders: { marketing: sender, other: sender }, link, now: new Date() });
    await expect(checked).rejects.toThrow(/a sample that was signed with this key does not verify/);
  });

  it("warns of a long link", async () => {
    const { mailer } = await setting({}, { unsubscribe: { url: url.padEnd(300, "u") } });
    expect((await mailer.preflight()).warnings).toEqual([expect.stringContaining("349 characters")]);
  });
});
