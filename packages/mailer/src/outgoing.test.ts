import fc from "fast-check";
import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { setting } from "../test/setting.ts";
import { parseSendAsk } from "./outgoing.ts";

const ask = (change: object = {}, message: object = {}) => ({
  topic: "news",
  to: "anna@dest.example",
  messageKey: "k",
  message: { subject: "Hi", text: "Hi.", ...message },
  ...change,
});

function refusal(value: ReturnType<typeof ask>): unknown {
  try {
    parseSendAsk(value);
    return undefined;
  } catch (error) {
    return error;
  }
}

describe("the recipient", () => {
  it.each([
    "anna@dest.example\r\nRCPT TO:<eve@evil.example>",
    "anna@dest.example\r\n",
    "anna@dest.example, eve@evil.example",
    "Canary <anna@dest.example>",
    '"Canary, Anna" <anna@dest.example>',
    "<anna@dest.example>",
    '"anna"@dest.example',
    "anna@dest.example  SIZE=1",
    "anna@dest.example.",
    "anna@[127.0.0.1]",
    "anna@",
    "@dest.example",
    "anna",
    "",
    "an\0na@dest.example",
    "ännä@dest.example",
    `${"a".repeat(65)}@dest.example`,
    "group:anna@dest.example;",
    "anna@dest.example(canary)",
  ])("is refused, not repaired: %j", (to) => {
    const error = refusal(ask({ to }));
    expect(error).toMatchObject({ name: "InvalidInputError" });
    expect(inspect(error)).not.toMatch(/canary|evil/);
  });

  it.each([
    ["Anna.Berg+news@Dest.Example", "Anna.Berg+news@dest.example"],
    ["-anna@dest.example", "-anna@dest.example"],
    ["o'neil{x}|~!#$%&*/=?^_`@dest.example", "o'neil{x}|~!#$%&*/=?^_`@dest.example"],
  ])("is kept as written: %s", (to, parsed) => {
    expect(parseSendAsk(ask({ to })).to).toBe(parsed);
  });

  it("is the only one that the server hears of, whatever its local part", async () => {
    const { post, mailer } = await setting();
    const atom = fc.string({
      unit: fc.constantFrom(..."abcXYZ019!#$%&'*+/=?^_`{|}~-".split("")),
      minLength: 1,
      maxLength: 30,
    });
    const local = fc.array(atom, { minLength: 1, maxLength: 2 }).map((atoms) => atoms.join("."));
    await fc.assert(
      fc.asyncProperty(local, fc.uuid(), async (name, messageKey) => {
        const to = `${name}@dest.example`;
        await mailer.send({ topic: "receipts", to, messageKey, message: { subject: "Hi", text: "Hi." } });
        const message = post.messages.at(-1);
        expect(message?.envelope.to).toEqual([to]);
        expect(message?.headers.filter((header) => header.name === "to").map(({ value }) => value)).toEqual([
          to,
        ]);
      }),
      { numRuns: 60 },
    );
  });
});

describe("headers", () => {
  it.each([
    "To",
    "Cc",
    "Bcc",
    "From",
    "Sender",
    "Subject",
    "Date",
    "Message-ID",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "List-Unsubscribe",
    "list-unsubscribe-post",
    "List-Id",
    "DKIM-Signature",
    "Return-Path",
    "Received",
    "Auto-Submitted",
    "Resent-To",
    "X-SMTPAPI",
    "X-Rcpt-To",
    "X-Original-To",
    "x-envelope-to",
    "X-A\r\nBcc",
    "X A",
    "",
  ])("refuses the caller's %j", (name) => {
    const headers = Object.fromEntries([[name, "x@dest.example"]]);
    const error = refusal(ask({}, { headers }));
    expect(error).toMatchObject({ name: "InvalidInputError" });
  });

  it.each(["a\r\nBcc: eve@evil.example", "a\nb", "a\0b", "", "x".repeat(901)])(
    "refuses the value %j",
    (value) => {
      expect(refusal(ask({}, { headers: { "X-A": value } }))).toMatchObject({ name: "InvalidInputError" });
    },
  );

  it.each(["In-Reply-To", "References"])("refuses a %s that is not ASCII", (name) => {
    const refused = refusal(ask({}, { headers: { [name]: "<å@acme.example>" } }));
    expect(refused).toMatchObject({ name: "InvalidInputError" });
    expect(refusal(ask({}, { headers: { [name]: "<a@acme.example>" } }))).toBeUndefined();
  });

  it.each(["acme1", "a:b:c:acme-sender.1", "::c:acme1", "2026-11:news:acme1"])(
    "passes the Feedback-ID %j on",
    (value) => {
      expect(refusal(ask({}, { headers: { "Feedback-ID": value } }))).toBeUndefined();
    },
  );

  it.each([
    "acme",
    "a:b:c:",
    "a:b:c:acme-is-too-long-1",
    "a:b:c:d:acme1",
    "a:anna@dest.example:acme1",
    "a b:acme1",
    "å:acme1",
  ])("refuses the Feedback-ID %j", (value) => {
    expect(refusal(ask({}, { headers: { "Feedback-ID": value } }))).toMatchObject({
      name: "InvalidInputError",
    });
  });

  it.each([
    ["X-Auto-Response-Suppress", {}, {}],
    ["In-Reply-To", { inReplyTo: "<1@dest.example>" }, {}],
    ["References", { inReplyTo: "<1@dest.example>" }, {}],
    ["content-language", {}, { language: "sv" }],
  ])("refuses a %s beside the mailer's own", (name, change, message) => {
    const headers = { [name]: "<2@dest.example>" };
    expect(refusal(ask(change, { ...message, headers }))).toMatchObject({ name: "InvalidInputError" });
  });

  it.each([
    "1@dest.example",
    "<1@dest.example> <2@dest.example>",
    "<1@dest.example>\r\nBcc: eve@x.example",
    "<å@x.example>",
    "<>",
    "<1>",
    "",
  ])("refuses to answer %j", (inReplyTo) => {
    expect(refusal(ask({ inReplyTo }))).toMatchObject({ name: "InvalidInputError" });
  });

  it.each(["Swedish!", "sv_SE", "", "sv\r\nBcc: x", "s"])("refuses the language %j", (language) => {
    expect(refusal(ask({}, { language }))).toMatchObject({ name: "InvalidInputError" });
  });

  it("refuses the same header twice", () => {
    const headers = { "Feedback-ID": "a:b:c:acme1", "feedback-id": "d:e:f:acme2" };
    expect(refusal(ask({}, { headers }))).toMatchObject({ name: "InvalidInputError" });
  });

  it("refuses several addresses to reply to", () => {
    const headers = { "Reply-To": "help@acme.example, eve@evil.example" };
    expect(refusal(ask({}, { headers }))).toMatchObject({ name: "InvalidInputError" });
  });

  it("passes on what is the caller's to say", async () => {
    const { post, mailer } = await setting();
    const headers = { "Reply-To": "help@acme.example", "Feedback-ID": "a:b:c:acme1", "X-Campaign": "åäö" };
    await mailer.send({
      topic: "receipts",
      to: "a@dest.example",
      messageKey: "k",
      message: { subject: "Hi", text: "Hi.", headers },
    });
    expect(post.messages[0]?.headers).toEqual(
      expect.arrayContaining([
        { name: "reply-to", value: "help@acme.example" },
        { name: "feedback-id", value: "a:b:c:acme1" },
        { name: "x-campaign", value: "=?UTF-8?B?w6XDpMO2?=" },
      ]),
    );
  });
});
