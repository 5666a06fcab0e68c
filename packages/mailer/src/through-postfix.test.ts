import { InvalidInputError } from "@heed/core/contract";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createSigner } from "./dkim-sign.ts";
import type { MailerOptions } from "./index.ts";
import { openSession } from "./smtp-session.ts";
import { mailServer, type MailServer, type ReceivedMessage } from "./testing/index.ts";
import type { Topic } from "../test/permit-book.ts";
import { noPostfix, startPostfix, type Postfix } from "../test/postfix.ts";
import { anna, judge, keys, newsletter, receipt, setting } from "../test/setting.ts";

let dest: MailServer;
let postfix: Postfix;

beforeEach((context) => context.skip(noPostfix !== undefined, `Left out: ${noPostfix}`));

beforeAll(async () => {
  if (noPostfix !== undefined) return;
  dest = await mailServer();
  postfix = await startPostfix({ "dest.example": dest.port });
});

afterAll(async () => {
  await postfix?.close();
  await dest?.close();
});

/** A mailer whose mail server is Postfix. */
const relayed = (options: Partial<Omit<MailerOptions<Topic>, "transport">> = {}) =>
  setting({}, { ...options, transport: { ...address(), replyTimeoutMs: 10_000, connectTimeoutMs: 10_000 } });

const address = () => ({ host: postfix.host, port: postfix.port });

/** The message as it arrives behind Postfix. */
async function arrived(messageId: string | undefined): Promise<ReceivedMessage> {
  const find = () => dest.messages.find((message) => header(message, "message-id") === messageId);
  await expect.poll(find, { timeout: 10_000 }).toBeDefined();
  return find() as ReceivedMessage;
}

const header = (message: ReceivedMessage, name: string): string | undefined =>
  message.headers.find((header) => header.name === name)?.value;

const idOf = (outcome: object): string | undefined =>
  "messageId" in outcome && typeof outcome.messageId === "string" ? outcome.messageId : undefined;

describe("a message through a real Postfix", () => {
  it("arrives with its signature and its way out", async () => {
    const { mailer } = await relayed();
    const outcome = await mailer.send({
      ...newsletter,
      message: {
        subject: `Räksmörgås ${"och smör ".repeat(40)}`,
        text: `.\n..two dots\nFrom here  \t\n${"å".repeat(1200)}\n${"long ".repeat(900)}\nStop: {{unsubscribe}}\n\n\n`,
        html: `<p>${"long ".repeat(900)}<a href="{{unsubscribe}}">Stop</a></p>`,
      },
    });
    const message = await arrived(idOf(outcome));

    expect(header(message, "received")).toMatch(/by relay\.example \(Postfix\) with ESMTP/);
    expect(message.envelope).toEqual({ from: "news@acme.example", to: [anna] });
    expect(header(message, "list-unsubscribe")).toMatch(
      /^<https:\/\/acme\.example\/u\/(k1\.\w+)>, <mailto:stop@acme\.example\?subject=\1>$/,
    );
    expect(header(message, "list-unsubscribe-post")).toBe("List-Unsubscribe=One-Click");
    expect(message.text).toContain(".\n..two dots\nFrom here");
    expect(await judge(message.raw)).toBe("pass");
  });

  it("arrives signed also where it has no way out", async () => {
    const { mailer } = await relayed();
    const message = await arrived(idOf(await mailer.send(receipt)));
    expect(header(message, "auto-submitted")).toBe("auto-generated");
    expect(await judge(message.raw)).toBe("pass");
  });

  it("has the name that Postfix gave it in its outcome", async () => {
    const { mailer } = await relayed();
    const outcome = await mailer.send(receipt);
    await arrived(idOf(outcome));
    const { queueId } = outcome as { queueId?: string };
    expect(queueId).toMatch(/^[0-9A-F]{8,}$/);
    const sent = new RegExp(`smtp\\[\\d+\\]: ${queueId}: .* status=sent`);
    await expect.poll(() => postfix.log()).toMatch(sent);
  });
});

describe("a long unsubscribe URL", () => {
  const ofLength = (length: number) => (token: string) =>
    `https://acme.example/u?t=${token}&pad=`.padEnd(length, "x");

  it("passes Postfix whole with 900 characters, next to an address", async () => {
    const unsubscribe = { url: ofLength(900), mailto: "stop@acme.example" };
    const { mailer } = await relayed({ unsubscribe });
    const message = await arrived(idOf(await mailer.send(newsletter)));
    const [, url = ""] = /^<(https:[^>]*)>, <mailto:/.exec(header(message, "list-unsubscribe") ?? "") ?? [];
    expect(url).toHaveLength(900);
    expect(url).toMatch(/^https:\/\/acme\.example\/u\?t=k1\.\w+&pad=x+$/);
    expect(await judge(message.raw)).toBe("pass");
  });

  it("is refused with more, and nothing leaves", async () => {
    const before = dest.messages.length;
    const { mailer, book } = await relayed({ unsubscribe: { url: ofLength(901) } });
    await expect(mailer.send(newsletter)).rejects.toThrow(InvalidInputError);
    expect(book.entries).toEqual([]);
    expect(dest.messages).toHaveLength(before);
  });

  it("would be cut by Postfix, and the signature broken, were it sent all the same", async () => {
    const url = ofLength(1500)("k1.token");
    const sign = createSigner({ domain: "acme.example", selector: "s1", key: keys.privateKey });
    const at = new Date();
    const messageId = "<long@acme.example>";
    const raw = Buffer.from(
      `From: news@acme.example\r\nTo: ${anna}\r\nSubject: News\r\nMessage-ID: ${messageId}\r\n` +
        `List-Unsubscribe: <${url}>\r\n\r\nHi.\r\n`,
    );
    const signed = await sign(raw, at);
    expect(await judge(signed)).toBe("pass");
    const session = await openSession(address());
    if ("kind" in session) throw new Error("Postfix does not answer");
    await session.give({ from: "news@acme.example", to: anna }, signed);
    await session.close();

    const message = await arrived(messageId);
    expect(header(message, "list-unsubscribe")).not.toBe(`<${url}>`);
    expect(await judge(message.raw)).not.toBe("pass");
  });
});
