import { generateKeyPairSync } from "node:crypto";
import { inspect } from "node:util";
import { createTransport } from "nodemailer";
import { describe, expect, it } from "vitest";
import { PermitBook } from "../test/permit-book.ts";
import { anna, gatedSetting, judge, newsletter, receipt } from "../test/setting.ts";
import { gate, MailBlockedError, UnrecordedOutcomeError } from "./index.ts";
import type { Fault } from "./testing/index.ts";

const from = "Acme <news@acme.example>";
const news = {
  from,
  to: anna,
  ...newsletter.message,
  heed: { topic: "news", messageKey: "2026-11" },
} as const;
const thanks = {
  from,
  to: anna,
  ...receipt.message,
  heed: { topic: "receipts", messageKey: "receipt-1" },
} as const;

const headersNamed = (
  message: { headers: readonly { name: string; value: string }[] } | undefined,
  name: string,
) => message?.headers.filter((header) => header.name === name).map(({ value }) => value);

const thrown = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => error);

describe.each([
  ["one connection for each message", false],
  ["a pool", true],
])("gate, over %s", (_what, pool) => {
  it("adds to marketing mail its way out, signed by nodemailer", async () => {
    const { post, book, gated } = await gatedSetting({}, {}, { pool });
    const info = await gated.sendMail(news);
    const [message] = post.messages;
    const link = "https://acme.example/u/k1.Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV41";
    expect(headersNamed(message, "list-unsubscribe")).toEqual([
      `<${link}>, <mailto:stop@acme.example?subject=${link.slice(23)}>`,
    ]);
    expect(headersNamed(message, "list-unsubscribe-post")).toEqual(["List-Unsubscribe=One-Click"]);
    expect(message?.text?.trim()).toBe(`Hi.\nStop: ${link}`);
    expect(message?.html).toContain(`<a href="${link}">`);
    expect(info.messageId).toBe(headersNamed(message, "message-id")?.[0]);
    expect(info.messageId).toBe(`<${book.entries[0]?.tag}@acme.example>`);
    expect(book.entries).toMatchObject([{ state: "handing-over", outcome: "accepted" }]);
    expect(await judge(message?.raw ?? "")).toBe("pass");
    for (const name of ["list-unsubscribe", "list-unsubscribe-post"]) {
      const altered = message?.raw.toString("latin1").replace(new RegExp(`^${name}: .`, "im"), `${name}: x`);
      expect(altered).not.toBe(message?.raw.toString("latin1"));
      expect(await judge(altered ?? "")).not.toBe("pass");
    }
  });

  it("sends nothing to someone who opted out", async () => {
    const { post, book, gated } = await gatedSetting({}, {}, { pool });
    book.optOut(anna);
    const error = await thrown(gated.sendMail(news));
    expect(error).toBeInstanceOf(MailBlockedError);
    expect(error).toMatchObject({ code: "mail-blocked", because: "suppressed" });
    expect(inspect(error)).not.toMatch(/canary/i);
    expect(post.connections).toBe(0);
  });

  it("sends nothing after a no at the last moment before it hands over", async () => {
    const { post, book, gated } = await gatedSetting({}, {}, { pool });
    book.interrupt.handOver = () => book.optOut(anna);
    expect(await thrown(gated.sendMail(news))).toMatchObject({ because: "suppressed" });
    expect(post.connections).toBe(0);
    expect(book.entries).toMatchObject([{ state: "revoked", outcome: "not-sent" }]);
  });

  it("sends a message key once", async () => {
    const { post, gated } = await gatedSetting({}, {}, { pool });
    await gated.sendMail(news);
    expect(await thrown(gated.sendMail(news))).toMatchObject({ because: "already-sent" });
    expect(post.messages).toHaveLength(1);
  });

  it.each<[Fault, string, number]>([
    [{ at: "connect", answer: "drop" }, "not-sent", 0],
    [{ at: "connect", answer: "554 No" }, "not-sent", 0],
    [{ at: "ehlo", answer: "stall" }, "not-sent", 0],
    [{ at: "mail", answer: "drop" }, "not-sent", 0],
    [{ at: "mail", answer: "451 Later" }, "deferred", 0],
    [{ at: "rcpt", answer: "550 5.1.1 No" }, "rejected", 0],
    [{ at: "rcpt", answer: "stall" }, "not-sent", 0],
    [{ at: "data", answer: "554 No" }, "rejected", 0],
    [{ at: "data", answer: "drop" }, "not-sent", 0],
    [{ at: "content", answer: "drop" }, "unknown", 0],
    [{ at: "final-dot", answer: "451 4.3.0 Later" }, "deferred", 0],
    [{ at: "final-dot", answer: "550 5.7.1 Spam" }, "rejected", 0],
    [{ at: "final-dot", answer: "drop" }, "unknown", 1],
    [{ at: "final-dot", answer: "stall" }, "unknown", 1],
  ])("records what became of it after %o: %s", async (fault, outcome, there) => {
    const { post, book, gated } = await gatedSetting({ faults: [fault] }, {}, { pool });
    expect(await thrown(gated.sendMail(news))).toBeInstanceOf(Error);
    expect(book.entries).toMatchObject([{ outcome }]);
    expect(post.messages).toHaveLength(there);
  });
});

describe("gate's weaker promise", () => {
  it("lets out what waits in nodemailer's pool, though the person says no meanwhile, and the no knows of it", async () => {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    const faults = [{ at: "mail" as const, meanwhile: () => held, times: 1 }];
    const { post, book, gated } = await gatedSetting({ faults }, {}, { pool: true, maxConnections: 1 });
    const first = gated.sendMail({ ...news, to: "first@dest.example" });
    const second = gated.sendMail(news);
    await expect.poll(() => book.entries.map(({ state }) => state)).toEqual(["handing-over", "handing-over"]);
    expect(post.search("anna.canary")).toEqual([]);
    book.optOut(anna);
    // Handed over already: an opt-out reports such a permit as in flight, and cannot revoke it.
    expect(book.entries[1]).toMatchObject({ state: "handing-over", inFlight: true });
    release();
    await Promise.all([first, second]);
    expect(post.messages.map(({ envelope }) => envelope.to[0])).toEqual(["first@dest.example", anna]);
  });
});

describe("gate", () => {
  it("is for whoever holds the transporter", async () => {
    const { post, transporter } = await gatedSetting();
    expect(
      await thrown(transporter.sendMail({ from, to: anna, subject: "News", text: "Hi." })),
    ).toMatchObject({
      name: "InvalidInputError",
    });
    expect(post.connections).toBe(0);
  });

  it("calls back, as nodemailer does", async () => {
    const { gated, book } = await gatedSetting();
    const told: unknown[] = [];
    await new Promise<void>((resolve) =>
      gated.sendMail(news, (error, info) => resolve(void told.push(error, info.accepted))),
    );
    book.optOut(anna);
    await new Promise<void>((resolve) =>
      gated.sendMail(news, (error) => resolve(void told.push(error?.name))),
    );
    expect(told).toEqual([null, [anna], "MailBlockedError"]);
  });

  it("keeps nodemailer's own error", async () => {
    const { gated } = await gatedSetting({ faults: [{ at: "rcpt", answer: "550 5.1.1 No" }] });
    expect(await thrown(gated.sendMail(news))).toMatchObject({ code: "EENVELOPE", responseCode: 550 });
  });

  it("tells when the outcome could not be recorded", async () => {
    const { post, book, gated } = await gatedSetting();
    book.interrupt.settle = () => Promise.reject(new Error("database is gone"));
    const error = await thrown(gated.sendMail(news));
    expect(error).toBeInstanceOf(UnrecordedOutcomeError);
    expect(error).toMatchObject({ outcome: { status: "accepted" } });
    expect(post.messages).toHaveLength(1);
  });

  it("sends a system's own mail as such, without a way out", async () => {
    const { post, gated } = await gatedSetting();
    await gated.sendMail(thanks);
    expect(headersNamed(post.messages[0], "auto-submitted")).toEqual(["auto-generated"]);
    expect(headersNamed(post.messages[0], "x-auto-response-suppress")).toEqual(["All"]);
    expect(post.messages[0]?.raw.toString()).not.toMatch(/^list-/im);
    expect(await judge(post.messages[0]?.raw ?? "")).toBe("pass");
  });

  it("has bounces come back by name, and names the list", async () => {
    const { post, book, gated } = await gatedSetting(
      { dsn: true },
      {
        bounces: { domain: "bounces.acme.example" },
        lists: { domain: "lists.acme.example", titles: { news: "News" } },
        feedbackSenderId: "acme-1",
      },
    );
    await gated.sendMail(news);
    const { tag = "" } = book.entries[0] ?? {};
    expect(post.messages[0]?.envelope).toEqual({ from: `b+${tag}@bounces.acme.example`, to: [anna] });
    expect(post.search(`RET=HDRS ENVID=${tag}`)).toEqual(["session"]);
    expect(headersNamed(post.messages[0], "list-id")).toEqual(['"News" <news.lists.acme.example>']);
    expect(headersNamed(post.messages[0], "feedback-id")).toEqual(["news:marketing:acme-1"]);
    expect(await judge(post.messages[0]?.raw ?? "")).toBe("pass");
  });

  it("leaves a Message-ID and fields of its caller's alone", async () => {
    const { post, gated } = await gatedSetting({}, { feedbackSenderId: "acme-1" });
    const messageId = "<mine@acme.example>";
    const headers = { "Feedback-ID": "a:b:c:mine1", "X-Campaign": "1" };
    await gated.sendMail({ ...news, messageId, headers });
    expect(headersNamed(post.messages[0], "message-id")).toEqual([messageId]);
    expect(headersNamed(post.messages[0], "feedback-id")).toEqual(["a:b:c:mine1"]);
    expect(headersNamed(post.messages[0], "x-campaign")).toEqual(["1"]);
  });

  it("fills the link into what plugins made, and leaves attachments as they are", async () => {
    const { post, transporter, gated } = await gatedSetting();
    transporter.use("compile", (mail, done) => {
      mail.data.html = `<p>By a template. <a href="{{unsubscribe}}">Stop</a> åäö</p>`;
      done();
    });
    const attachments = [{ filename: "a.txt", content: "{{unsubscribe}}" }];
    await gated.sendMail({ ...news, html: undefined, attachments });
    expect(post.messages[0]?.html).toMatch(/By a template. <a href="https:\/\/acme\.example\/u\/k1\..*åäö/);
    expect(post.messages[0]?.raw.toString()).toContain(Buffer.from("{{unsubscribe}}").toString("base64"));
    expect(await judge(post.messages[0]?.raw ?? "")).toBe("pass");
  });

  it("sees a recipient that a plugin adds", async () => {
    const { post, book, transporter, gated } = await gatedSetting();
    transporter.use("stream", (mail, done) => {
      mail.message.addHeader("bcc", "evil@x.example");
      done();
    });
    expect(await thrown(gated.sendMail(news))).toMatchObject({ name: "InvalidInputError" });
    expect([post.connections, book.entries]).toEqual([0, []]);
  });

  it.each([
    ["no link in the text", { text: "Hi." }],
    ["no link in the html", { html: "<p>Hi.</p>" }],
    ["a link that no reader sees", { html: "<p>Hi.</p><!-- {{unsubscribe}} -->" }],
    [
      "an alternative without one",
      { alternatives: [{ contentType: "text/x-amp-html", content: "<p>Hi.</p>" }] },
    ],
    ["no part at all", { text: undefined, html: undefined }],
    [
      "attachments alone",
      { text: undefined, html: undefined, attachments: [{ filename: "a.txt", content: "{{unsubscribe}}" }] },
    ],
  ])("refuses a marketing message with %s", async (_what, parts) => {
    const { post, book, gated } = await gatedSetting();
    expect(await thrown(gated.sendMail({ ...news, ...parts }))).toMatchObject({
      code: "no-unsubscribe-link",
    });
    expect(book.entries.map(({ outcome }) => outcome)).toEqual(["not-sent"]);
    expect(post.connections).toBe(0);
  });

  it.each([
    ["a way out that leads nowhere", { text: "{{unsubscribe}}" }, "no-unsubscribe-link"],
    ["tracking", { html: `<img src="https://t.acme.example/o.gif">` }, "tracking"],
    ["a tracking link", { text: "https://acme.example/?utm_source=a" }, "tracking"],
  ])("refuses a receipt with %s", async (_what, parts, code) => {
    const { post, gated } = await gatedSetting();
    expect(await thrown(gated.sendMail({ ...thanks, ...parts }))).toMatchObject({ code });
    expect(post.connections).toBe(0);
  });

  const raw = `Content-Type: text/html\r\n\r\n<p>Hi.</p><img src="https://t.acme.example/o.gif">`;
  const visible = "{{unsubscribe}}";
  it.each([
    ["html", { html: { raw } }],
    ["html with content beside", { text: visible, html: { content: visible, raw } }],
    ["text", { text: { raw } }],
    ["an alternative", { alternatives: [{ raw }] }],
    ["AMP", { amp: { raw } }],
    ["an attachment", { attachments: [{ raw }] }],
  ])("refuses a part that is written already, which it cannot read: %s", async (_what, parts) => {
    for (const mail of [news, thanks]) {
      const { post, book, gated } = await gatedSetting();
      expect(await thrown(gated.sendMail({ ...mail, ...parts }))).toMatchObject({
        name: "InvalidInputError",
      });
      expect([post.connections, book.entries]).toEqual([0, []]);
    }
  });

  it("works without a signature, where a relay signs", async () => {
    const { post, gated } = await gatedSetting({}, {}, { signed: false });
    await gated.sendMail(news);
    expect(headersNamed(post.messages[0], "dkim-signature")).toEqual([]);
    expect(headersNamed(post.messages[0], "list-unsubscribe")).toHaveLength(1);
  });

  it("records that it does not know what another transport did", async () => {
    const book = new PermitBook();
    const transporter = createTransport({
      name: "api",
      version: "1",
      send: (_mail, callback) => callback(new Error("the answer was lost")),
    });
    const gated = gate(transporter, { permits: book, unsubscribe: { url: "https://acme.example/u" } });
    expect(await thrown(gated.sendMail(news))).toMatchObject({ message: "the answer was lost" });
    expect(book.entries).toMatchObject([{ outcome: "unknown" }]);
  });
});

describe("gate, before the first message", () => {
  const unsubscribe = { url: "https://acme.example/u" };
  const permits = new PermitBook();
  const pem = { type: "pkcs8", format: "pem" } as const;
  const sound = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export(pem).toString();
  const names = { domainName: "acme.example", keySelector: "s1" };

  it.each([
    ["a garbage key", { ...names, privateKey: "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----" }],
    [
      "an Ed25519 key",
      { ...names, privateKey: generateKeyPairSync("ed25519").privateKey.export(pem).toString() },
    ],
    [
      "a key of 512 bits",
      {
        ...names,
        privateKey: generateKeyPairSync("rsa", { modulusLength: 512 }).privateKey.export(pem).toString(),
      },
    ],
    [
      "one bad key of two",
      {
        keys: [
          { ...names, privateKey: sound },
          { ...names, privateKey: "" },
        ],
      },
    ],
    [
      "fields that leave the one-click header out",
      { ...names, privateKey: sound, headerFieldNames: "From:To:List-Unsubscribe" },
    ],
    ["fields that are skipped", { ...names, privateKey: sound, skipFields: "List-Unsubscribe-Post" }],
  ])("refuses %s, with which nodemailer would say nothing", (_what, dkim) => {
    const transporter = createTransport({ host: "localhost", dkim });
    expect(() => gate(transporter, { permits, unsubscribe })).toThrow(/cannot be used/);
  });

  it("takes fields that cover what they must", () => {
    const headerFieldNames = "from:to:subject:list-unsubscribe:list-unsubscribe-post";
    const transporter = createTransport({ dkim: { ...names, privateKey: sound, headerFieldNames } });
    expect(() => gate(transporter, { permits, unsubscribe })).not.toThrow();
  });

  it.each([
    ["an http link", { permits, unsubscribe: { url: "http://acme.example/u" } }],
    ["a link of 901 characters", { permits, unsubscribe: { url: "https://acme.example/".padEnd(852, "u") } }],
    ["an unknown option", { permits, unsubscribe, dkim: {} }],
    ["a bounce domain that is none", { permits, unsubscribe, bounces: { domain: "b@evil.example" } }],
  ])("refuses %s", (_what, options) => {
    expect(() => gate(createTransport({}), options)).toThrow(/cannot be used/);
  });

  it("refuses to work without permits, and to be put in twice", () => {
    const transporter = createTransport({});
    // @ts-expect-error -- what the compiler refuses, a caller without one can still pass
    expect(() => gate(transporter, { unsubscribe })).toThrow(/needs `permits`/);
    gate(transporter, { permits, unsubscribe });
    expect(() => gate(transporter, { permits, unsubscribe })).toThrow(/has a gate already/);
  });
});
