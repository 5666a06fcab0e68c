import { generateKeyPairSync } from "node:crypto";
import { inspect } from "node:util";
import { isHeedError } from "@heed/core/contract";
import { createTransport } from "nodemailer";
import { describe, expect, it } from "vitest";
import { PermitBook } from "../test/permit-book.ts";
import { gatedSetting, judge, keys, setting } from "../test/setting.ts";
import { createMailer, gate, type MailerOptions } from "./index.ts";
import type { MailServer } from "./testing/index.ts";

/** What became of a hostile message: all that the server has and heard, and what the caller was told. */
interface Result {
  readonly post: MailServer;
  readonly book: PermitBook;
  readonly told: unknown;
}

const mine = { subject: "Hi", text: "Hi." };

/** A newsletter or receipt with something hostile in it, on both ways out. Changes are of any shape. */
const ways = {
  async send({ topic = "receipts", to = "anna@dest.example", ...change }: Hostile): Promise<Result> {
    const { post, book, mailer } = await setting();
    const ask = { topic, to, messageKey: "1", message: { ...mine, ...change } } as never;
    return { post, book, told: await mailer.send(ask).catch((error: unknown) => error) };
  },
  async gate({ topic = "receipts", to = "anna@dest.example", ...change }: Hostile): Promise<Result> {
    const { post, book, gated } = await gatedSetting();
    const mail = {
      from: "news@acme.example",
      to,
      ...mine,
      ...change,
      heed: { topic, messageKey: "1" },
    } as never;
    return { post, book, told: await gated.sendMail(mail).catch((error: unknown) => error) };
  },
} as const;
type Way = keyof typeof ways;
type Hostile = { readonly topic?: string; readonly to?: unknown } & Readonly<Record<string, unknown>>;

const named = (post: MailServer, name: string) =>
  post.messages[0]?.headers.filter((header) => header.name === name).map(({ value }) => value);

/** Refused as a mistake: nobody asked, nobody heard, nothing quoted. */
function isRefused({ post, book, told }: Result): boolean {
  const isMistake = isHeedError(told) && told.name === "InvalidInputError";
  const quotes = /evil|canary/i.test(inspect(told, { depth: null }));
  return isMistake && !quotes && post.connections === 0 && book.entries.length === 0;
}

const both: readonly Way[] = ["send", "gate"];
const onBoth = <T extends readonly unknown[]>(cases: readonly T[]) =>
  both.flatMap((way) => cases.map((each) => [way, ...each] as const));
const json = (text: string): Readonly<Record<string, unknown>> => JSON.parse(text);

describe("a hostile address", () => {
  it.each(
    onBoth([
      ["a line break", "b@dest.example\r\nRCPT TO:<evil@x.example>"],
      ["a line break at the end", "b@dest.example\r\n"],
      ["a lone line feed", "b@dest.example\nBcc: evil@x.example"],
      ["two addresses", "b@dest.example,evil@x.example"],
      ["two addresses with a semicolon", "b@dest.example;evil@x.example"],
      ["a display name with a comma", "Canary, Bob <b@dest.example>, evil@x.example"],
      ["a quoted local part", '"x"@dest.example'],
      ["a quoted address as a local part", '"evil@x.example> "@dest.example'],
      ["an SMTP parameter", "b@dest.example  SIZE=1"],
      ["a trailing dot", "b@dest.example."],
      ["a local part outside ASCII", "åsa@dest.example"],
      ["the same, decomposed", "a\u030Asa@dest.example"],
      ["a local part of 65 octets", `${"a".repeat(65)}@dest.example`],
      ["a null byte", "b\0@dest.example"],
      ["a null byte at the end", "b@dest.example\0evil@x.example"],
      ["a group", "evil: b@dest.example, c@dest.example;"],
      ["a comment", "b(evil)@dest.example"],
      ["a route", "<@evil.example:b@dest.example>"],
      ["an address literal", "b@[127.0.0.1]"],
      ["two at signs", "b@evil.example@dest.example"],
      ["a percent route", "b%evil.example@dest.example@dest.example"],
      ["a host with a path", "b@dest.example/evil.example"],
      ["a turned text", "b@\u202Edest.example"],
      ["nothing", ""],
      ["a list of two", ["b@dest.example", "evil@x.example"]],
      ["an object with two", { address: "b@dest.example, evil@x.example" }],
      ["an object with a line break", { address: "b@dest.example\r\nRCPT TO:<evil@x.example>" }],
      ["no text", 7],
    ]),
  )("by %s: %s is refused, not repaired", async (way, _what, to) => {
    expect(await ways[way]({ to })).toSatisfy(isRefused);
  });

  it.each(
    onBoth([
      ["a leading dash", "-oQ/tmp@dest.example", "-oQ/tmp@dest.example"],
      ["a local part of 64 octets", `${"a".repeat(64)}@dest.example`, `${"a".repeat(64)}@dest.example`],
      [
        "every character that an atom may have",
        "a!#$%&'*+/=?^_`{|}~-z@dest.example",
        "a!#$%&'*+/=?^_`{|}~-z@dest.example",
      ],
      ["an international domain", "b@exämple.example", "b@xn--exmple-cua.example"],
      ["the same, decomposed", "b@exa\u0308mple.example", "b@xn--exmple-cua.example"],
      ["the same, in capitals", "b@EXÄMPLE.example", "b@xn--exmple-cua.example"],
      ["its A-label", "b@xn--exmple-cua.example", "b@xn--exmple-cua.example"],
      ["a local part whose case means something", "Bob.B@DEST.example", "Bob.B@dest.example"],
    ]),
  )("by %s: %s reaches whom it names and nobody else", async (way, _what, to, arrived) => {
    const { post, book } = await ways[way]({ to });
    // The server shows A-labels as they read, so what was said is asked for.
    expect(post.messages.map(({ envelope }) => envelope.to.length)).toEqual([1]);
    expect(post.search(`RCPT TO:<${arrived}>\n`)).toEqual(["session"]);
    expect(named(post, "to")).toEqual([arrived]);
    expect(book.entries).toMatchObject([{ email: arrived, outcome: "accepted" }]);
  });

  it.each([
    ["Bob <b@dest.example>", "b@dest.example"],
    ['"Bob, B" <b@dest.example>', "b@dest.example"],
    [{ name: "evil@x.example, Bob", address: "b@dest.example" }, "b@dest.example"],
    [["b@dest.example"], "b@dest.example"],
    [{ address: "b@dest.example", group: [{ address: "evil@x.example" }] }, "b@dest.example"],
  ])("by gate, as nodemailer takes it: %o has one recipient", async (to, arrived) => {
    const { post, told } = await ways.gate({ to });
    expect(told).toMatchObject({ accepted: [arrived] });
    expect(post.messages.map(({ envelope }) => envelope.to)).toEqual([[arrived]]);
    expect(post.search("RCPT TO:<evil")).toEqual([]);
  });

  it("by send: a display name is refused, not cut off", async () => {
    expect(await ways.send({ to: "Bob <b@dest.example>" })).toSatisfy(isRefused);
  });
});

describe("a hostile message", () => {
  it.each(
    onBoth([
      ["an envelope of its own", { envelope: { to: ["anna@dest.example", "evil@x.example"] } }],
      ["a blind copy", { bcc: "evil@x.example" }],
      ["a copy", { cc: ["evil@x.example"] }],
      ["a blind copy in a header", { headers: { Bcc: "evil@x.example" } }],
      ["a second To", { headers: { To: "evil@x.example" } }],
      ["a blind copy in a header's name", { headers: { "X-A\r\nBcc": "evil@x.example" } }],
      ["recipients of a relay's own", { headers: { "X-SMTPAPI": '{"to":["evil@x.example"]}' } }],
      ["a way out of its own", { headers: { "List-Unsubscribe": "<https://evil.example>" } }],
      ["a list's id of its own", { headers: { "list-ID": "<evil.example>" } }],
      ["list fields", { list: { unsubscribe: ["https://evil.example", "mailto:evil@x.example"] } }],
      ["a prepared header", { headers: { "X-A": { prepared: true, value: "1\r\nBcc: evil@x.example" } } }],
      [
        "a prepared header in a list",
        { headers: { "X-A": [{ prepared: true, value: "1\r\nBcc: evil@x.example" }] } },
      ],
      ["a signature of its own", { headers: { "DKIM-Signature": "v=1; d=evil.example" } }],
      ["another body's type", { headers: { "Content-Type": "text/evil" } }],
      ["a raw message", { raw: "From: evil@x.example\r\nTo: evil@x.example\r\n\r\nHi" }],
      ["another key", { dkim: { domainName: "evil.example", keySelector: "e", privateKey: "x" } }],
      ["fields to leave unsigned", { _dkim: { skipFields: "from:list-unsubscribe" } }],
      ["another login", { auth: { user: "evil", pass: "canary" } }],
      ["a file for a body", { html: { path: "/etc/passwd" } }],
      ["a page for a body", { html: { href: "http://127.0.0.1/evil" } }],
      ["a line break in the subject", { subject: "Hi\r\nBcc: evil@x.example" }],
      ["a null byte in the subject", { subject: "Hi\0" }],
      ["a subject that is turned around", { subject: "canary \u202Egpj.exe" }],
      ["a subject of 901 characters", { subject: "x".repeat(901) }],
      ["a list for a subject", { subject: ["evil"] }],
    ]),
  )("by %s: with %s is refused", async (way, _what, change) => {
    expect(await ways[way](change)).toSatisfy(isRefused);
  });

  it.each(
    onBoth([
      ["the message", json('{"__proto__": {"bcc": "evil@x.example", "envelope": {"to": "evil@x.example"}}}')],
      ["its headers", { headers: json('{"__proto__": {"Bcc": "evil@x.example"}, "X-A": "1"}') }],
      ["its headers, as a text", { headers: json('{"__proto__": "Bcc: evil@x.example"}') }],
    ]),
  )("by %s: a prototype of %s reaches nobody", async (way, _what, change) => {
    const { post } = await ways[way](change);
    expect(post.search("evil")).toEqual([]);
    expect(
      post.messages.flatMap(({ envelope }) => envelope.to).filter((to) => to !== "anna@dest.example"),
    ).toEqual([]);
  });

  it.each(both)("by %s: keeps its html to its body, and every other field as it was", async (way) => {
    const html = "<p>{{unsubscribe}}</a></p>\r\n.\r\nRCPT TO:<evil@x.example>\r\n</body>";
    const text = ".\r\nQUIT\r\n..\r\n{{unsubscribe}}\r\n.";
    const { post } = await ways[way]({ topic: "news", text, html });
    expect(post.messages.map(({ envelope }) => envelope.to)).toEqual([["anna@dest.example"]]);
    expect(post.messages[0]?.text?.replaceAll("\r\n", "\n")).toMatch(/^\.\nQUIT\n\.\.\nhttps:\S+\n\.\s*$/);
    expect(post.messages[0]?.html).toContain("RCPT TO:<evil@x.example>");
    expect(named(post, "list-unsubscribe")).toHaveLength(1);
    expect(await judge(post.messages[0]?.raw ?? "")).toBe("pass");
  });

  it.each(
    onBoth([
      ["right to left", "שלום \u200F!"],
      ["isolates", "Hi \u2068نورا\u2069"],
      ["an emoji", "👩‍👩‍👧"],
      ["=?UTF-8?Q?=0D=0ABcc:_e@x.example?=", "=?UTF-8?Q?=0D=0ABcc:_e@x.example?="],
    ]),
  )("by %s: a subject with %s is only a subject", async (way, _what, subject) => {
    const { post } = await ways[way]({ subject });
    expect(named(post, "bcc")).toEqual([]);
    expect(post.messages[0]?.envelope.to).toEqual(["anna@dest.example"]);
    expect(await judge(post.messages[0]?.raw ?? "")).toBe("pass");
  });
});

describe("a hostile way out", () => {
  const urls: readonly (readonly [string, (token: string) => string])[] = [
    ["1,500 characters", (token) => `https://acme.example/${"u".repeat(1450)}/${token}`],
    ["characters outside ASCII", (token) => `https://acme.example/å/${token}`],
    ["no TLS", (token) => `http://acme.example/${token}`],
    ["a comma and brackets", (token) => `https://acme.example/>,<https://evil.example/${token}`],
    ["a line break", (token) => `https://acme.example/\r\nBcc: evil@x.example/${token}`],
    ["a script", () => "javascript:evil()"],
    ["nothing", () => ""],
  ];

  it.each(urls)("with %s lets nothing start", async (_what, url) => {
    const { post, book, mailer } = await setting({}, { unsubscribe: { url } });
    await expect(mailer.preflight()).rejects.toMatchObject({ name: "InvalidInputError" });
    expect([post.connections, book.entries]).toEqual([0, []]);
    const transporter = createTransport({ host: post.host, port: post.port });
    expect(() => gate(transporter, { permits: book, unsubscribe: { url } })).toThrow(
      /unsubscribe link cannot be used/,
    );
  });

  it("that turns bad with the token lets that message not out", async () => {
    const url = (token: string) =>
      token.startsWith("preflight") ? "https://acme.example/u" : "http://evil.example";
    const message = { subject: "Hi", text: "{{unsubscribe}}" };
    const { post, mailer } = await setting({}, { unsubscribe: { url } });
    await expect(
      mailer.send({ topic: "news", to: "a@dest.example", messageKey: "1", message }),
    ).rejects.toMatchObject({ name: "InvalidInputError" });
    const gated = await gatedSetting({}, { unsubscribe: { url } });
    await expect(
      gated.gated.sendMail({
        from: "news@acme.example",
        to: "a@dest.example",
        ...message,
        heed: { topic: "news", messageKey: "1" },
      }),
    ).rejects.toMatchObject({ name: "InvalidInputError" });
    expect([post.connections, gated.post.connections]).toEqual([0, 0]);
    expect(gated.book.entries).toMatchObject([{ outcome: "not-sent" }]);
  });
});

describe("a hostile key", () => {
  const record = (key = keys.publicKey) => key.export({ type: "spki", format: "der" }).toString("base64");
  const published = (text: string) => async () => [text.match(/.{1,200}/gs) ?? []];

  const own = { domain: "acme.example", selector: "s1", privateKey: keys.privateKey };
  const mailerWith = (change: object, dkim: MailerOptions["dkim"] = { ...own, ...change }) =>
    createMailer({
      permits: new PermitBook(),
      transport: { host: "localhost" },
      from: "news@acme.example",
      unsubscribe: { url: "https://acme.example/u" },
      dkim,
    });

  it.each([
    ["garbage", { privateKey: "garbage" }],
    ["Ed25519", { privateKey: generateKeyPairSync("ed25519").privateKey }],
    ["of 512 bits", { privateKey: generateKeyPairSync("rsa", { modulusLength: 512 }).privateKey }],
    ["of a domain that is not the sender's", { domain: "evil.example" }],
  ])("that is %s lets nothing start", async (_what, dkim) => {
    await expect(mailerWith(dkim).preflight()).rejects.toMatchObject({ name: "InvalidInputError" });
  });

  it.each([
    ["nothing there", async () => Promise.reject(new Error("ENOTFOUND canary"))],
    [
      "another key",
      published(`v=DKIM1; k=rsa; p=${record(generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey)}`),
    ],
    ["a revoked one", published("v=DKIM1; k=rsa; p=")],
    ["another text", published("v=spf1 -all")],
    ["nothing", async () => []],
  ])("whose selector names %s is refused by whoever looks", async (_what, resolveTxt) => {
    const asked: string[] = [];
    const looking = (name: string) => (asked.push(name), resolveTxt());
    const error: unknown = await mailerWith({})
      .preflight({ resolveTxt: looking })
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: "InvalidInputError" });
    expect(inspect(error)).not.toContain("canary");
    expect(asked[0]).toBe("s1._domainkey.acme.example");
  });

  it.each([
    `v=DKIM1; k=rsa; p=${record()}`,
    `v=DKIM1;p=${record().replace(/.{20}/g, "$& ")};n=note`,
    `p=${record()}`,
  ])("is believed with its record: %#", async (text) => {
    const { streams } = await mailerWith({}).preflight({ resolveTxt: published(text) });
    expect(streams.marketing).toMatchObject({ selector: "s1" });
  });

  it.each(["marketing", "other"])(
    "is looked for by every stream: nothing for %s is refused",
    async (missing) => {
      const keyOf = (selector: string) => ({ ...own, selector });
      const mailer = mailerWith({}, { marketing: keyOf("marketing"), other: keyOf("other") });
      const resolveTxt = async (name: string) =>
        name.startsWith(`${missing}.`) ? [] : [[`v=DKIM1; k=rsa; p=${record()}`]];
      await expect(mailer.preflight({ resolveTxt })).rejects.toMatchObject({ name: "InvalidInputError" });
    },
  );
});
