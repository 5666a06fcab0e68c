import { createHeed, definePolicy, ephemeralKeys, memory, ownData } from "@heed/core";
import { createTransport } from "nodemailer";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Topic } from "../test/permit-book.ts";
import { noPostfix, startPostfix, type Postfix } from "../test/postfix.ts";
import { keys, newsletter, receipt } from "../test/setting.ts";
import { createInbox, createMailer, mailReceiver, readMessageId, readReturnTag } from "./index.ts";
import type { InboundResult, MailReceiver, SendAsk } from "./index.ts";
import { mailServer, type MailServer } from "./testing/index.ts";

/** What each domain's server answers to every recipient. */
const answers = {
  "dest.example": undefined,
  "gone.example": "550 5.1.1 No such user",
  "full.example": "452 4.2.2 Mailbox full",
  "strict.example": "554 5.7.1 Refused by policy",
};

const policy = definePolicy({
  controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
  recipients: { app: { role: "own", country: "SE" } },
  purposes: { news: { basis: "consent" }, account: { basis: "contract" } },
  topics: {
    news: { class: "marketing", purpose: "news" },
    receipts: { class: "transactional", purpose: "account" },
  },
});

/** A bounce as it came to the inbox, and what was done with it. */
interface Bounce {
  readonly mailFrom: string | undefined;
  /** Of the address that it came to. */
  readonly tag: string | undefined;
  readonly raw: string;
  readonly result: InboundResult;
}

const heed = createHeed({
  policy,
  storage: memory(),
  keys: ephemeralKeys(),
  processors: { app: ownData({ by: "email", erase: async () => {}, holds: async () => false }) },
});
const bounces = { domain: "bounces.acme.example" };
const came: Bounce[] = [];
const servers: MailServer[] = [];
let receiver: MailReceiver;
let postfix: Postfix;
let mailer: ReturnType<typeof createMailer<Topic>>;

/** A bounce reports; it asks for nothing, and nobody answers it. */
const never = () => Promise.reject(new Error("not for a bounce"));

beforeEach((context) => context.skip(noPostfix !== undefined, `Left out: ${noPostfix}`));

beforeAll(async () => {
  if (noPostfix !== undefined) return;
  const ports: Record<string, number> = {};
  for (const [domain, answer] of Object.entries(answers)) {
    const server = await mailServer({ faults: answer === undefined ? [] : [{ at: "rcpt", answer }] });
    servers.push(server);
    ports[domain] = server.port;
  }
  const inbox = createInbox<Topic, string, string>({
    heed: {
      messages: heed.messages,
      links: { unsubscribe: never, issue: never },
      subscriptions: { unsubscribe: never },
      consent: { withdraw: never },
      requests: { open: never, invite: never },
      subjects: { addressOnFile: never },
    },
    mailer: { send: never },
    keep: never,
    addresses: {},
    bounces,
    answers: {
      topic: "receipts",
      controller: "Acme AB",
      contact: "privacy@acme.example",
      unsubscribeUrl: "https://acme.example/u",
      invitationUrl: "https://acme.example/i",
    },
  });
  receiver = await mailReceiver({
    host: "127.0.0.1",
    port: 0,
    inbox: {
      ...inbox,
      async handleInbound(raw, envelope) {
        const result = await inbox.handleInbound(raw, envelope);
        const [to = ""] = envelope.rcptTo;
        const tag = readReturnTag(to, bounces.domain);
        came.push({ mailFrom: envelope.mailFrom, tag, raw: Buffer.from(raw).toString(), result });
        return result;
      },
    },
  });
  postfix = await startPostfix({ ...ports, [bounces.domain]: receiver.port });
  mailer = createMailer<Topic>({
    permits: heed.permits,
    transport: { host: postfix.host, port: postfix.port },
    from: "news@acme.example",
    dkim: { domain: "acme.example", selector: "s1", privateKey: keys.privateKey },
    unsubscribe: { url: "https://acme.example/u" },
    bounces,
  });
});

afterAll(async () => {
  await mailer?.close();
  await postfix?.close();
  await receiver?.close();
  await Promise.all(servers.map((server) => server.close()));
});

type Ask = Pick<SendAsk<Topic>, "topic" | "message">;

let keysUsed = 0;

/** Sends one message that Postfix takes, and answers with its tag. */
async function send(to: string, ask: Ask = newsletter): Promise<string> {
  keysUsed += 1;
  const outcome = await mailer.send({ ...ask, to, messageKey: `key ${keysUsed}` });
  if (outcome.status !== "accepted") throw new Error(`not accepted but ${JSON.stringify(outcome)}`);
  return readMessageId(outcome.messageId, "acme.example") ?? "";
}

/** What anybody can do: a mail with a return address of theirs to choose, and no wish about bounces. */
async function sendFrom(tag: string, to: string, raw: string): Promise<string> {
  const transporter = createTransport({ host: postfix.host, port: postfix.port, ignoreTLS: true });
  await transporter.sendMail({ envelope: { from: `b+${tag}@${bounces.domain}`, to }, raw });
  transporter.close();
  return tag;
}

async function bounceOf(tag: string): Promise<Bounce> {
  const find = () => came.find((bounce) => bounce.tag === tag);
  await expect.poll(find, { timeout: 10_000 }).toBeDefined();
  return find() as Bounce;
}

const subscribe = (email: string) =>
  heed.consent.give({ subject: { email }, purpose: "news", evidence: { noticeVersion: "1" } });

async function subscriber(email: string): Promise<string> {
  await subscribe(email);
  return email;
}

/** Why nothing may be sent to an address, or "nothing" where it may. */
async function keepsBack(email: string, topic: Topic = "news"): Promise<string> {
  keysUsed += 1;
  const permit = await heed.permits.take({ topic, email, messageKey: `key ${keysUsed}` });
  return permit.allowed ? "nothing" : permit.because;
}

describe("a bounce from a real Postfix", () => {
  it.each([
    ["gone.example", "hard", "stopped"],
    ["full.example", "soft", "counted"],
    ["strict.example", "policy", "noted"],
  ] as const)(
    "from %s is understood as %s, of the message that it is about",
    async (domain, kind, followed) => {
      const bo = await subscriber(`bo@${domain}`);
      const eva = await subscriber(`eva@${domain}`);
      const [toBo, toEva] = [await send(bo), await send(eva)];
      for (const [tag, email, other] of [
        [toBo, bo, eva],
        [toEva, eva, bo],
      ] as const) {
        const bounce = await bounceOf(tag);
        expect(bounce.result).toEqual({ did: "reported", reports: [{ kind, followed }] });
        expect(bounce.mailFrom).toBe("");
        expect(bounce.raw).toContain(email);
        expect(bounce.raw).not.toContain(other);
      }
    },
  );

  it("that says there is no such mailbox stops the address until its owner opts in anew, and no other", async () => {
    const kim = await subscriber("kim@gone.example");
    const others = [await subscriber("kim@dest.example"), await subscriber("lo@gone.example")];
    const toOther = await send("kim@dest.example");
    await bounceOf(await send(kim));

    expect(await keepsBack(kim)).toBe("undeliverable");
    expect(await keepsBack(kim, "receipts")).toBe("nothing");
    for (const other of others) expect(await keepsBack(other)).toBe("nothing");
    expect(came.map(({ tag }) => tag)).not.toContain(toOther);
    await subscribe(kim);
    expect(await keepsBack(kim)).toBe("nothing");
  });

  it("that says not this time stops the address when the fifth came, and not before", async () => {
    const kim = await subscriber("kim@full.example");
    for (const nth of [1, 2, 3, 4, 5]) {
      expect(await keepsBack(kim), `before the ${nth}th`).toBe("nothing");
      await bounceOf(await send(kim));
    }
    expect(await keepsBack(kim)).toBe("undeliverable");
  });

  it("that says it is against the rules stops nobody, however often", async () => {
    const kim = await subscriber("kim@strict.example");
    for (const _ of [1, 2, 3, 4, 5, 6]) await bounceOf(await send(kim));
    expect(await keepsBack(kim)).toBe("nothing");
  });

  it("brings back the headers and not the letter, which it would unasked", async () => {
    const mo = await subscriber("mo@gone.example");
    const letter = { ...receipt, message: { subject: "Receipt", text: "The letter's canary." } };
    const asked = await bounceOf(await send(mo, letter));
    expect(asked.raw).toContain("Content-Type: text/rfc822-headers");
    expect(asked.raw).toContain("Subject: Receipt");
    expect(asked.raw).not.toContain("canary");

    const unasked = await sendFrom("u".repeat(26), mo, "Subject: Receipt\r\n\r\nThe letter's canary.\r\n");
    expect((await bounceOf(unasked)).raw).toContain("canary");
  });

  it("to the return address of no message of ours stops nobody", async () => {
    const kim = await subscriber("no@gone.example");
    const { result } = await bounceOf(await sendFrom("a".repeat(26), kim, "Subject: Hi\r\n\r\nHi.\r\n"));
    expect(result).toEqual({ did: "reported", reports: [{ kind: "hard", followed: "unknown" }] });
    expect(await keepsBack(kim)).toBe("nothing");
  });
});
