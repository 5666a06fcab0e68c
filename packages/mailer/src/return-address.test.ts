import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anna, newsletter, receipt, setting } from "../test/setting.ts";
import { readMessageId, readReturnTag } from "./index.ts";

const domain = "bounces.acme.example";
const bounces = { domain };
const tag = "abcdefghijklmnopqrstuv2345";

const messageIdOf = (message: { headers: readonly { name: string; value: string }[] } | undefined) =>
  message?.headers.filter(({ name }) => name === "message-id").map(({ value }) => value);

describe("the return address", () => {
  it("names the message, and the Message-ID does", async () => {
    const { post, book, mailer } = await setting({}, { bounces });
    const outcome = await mailer.send(newsletter);
    const [entry] = book.entries;
    expect(post.messages[0]?.envelope).toEqual({ from: `b+${entry?.tag}@${domain}`, to: [anna] });
    expect(messageIdOf(post.messages[0])).toEqual([`<${entry?.tag}@acme.example>`]);
    expect(outcome).toMatchObject({ messageId: `<${entry?.tag}@acme.example>` });
    expect(post.messages[0]?.headers.find(({ name }) => name === "from")?.value).toContain(
      "news@acme.example",
    );
  });

  it("is another one for every message", async () => {
    const { post, mailer } = await setting({}, { bounces: { domain, prefix: "Ret-1" } });
    for (const messageKey of ["1", "2"]) await mailer.send({ ...newsletter, messageKey });
    const tags = post.messages.map(({ envelope }) => readReturnTag(envelope.from, domain, "ret-1"));
    expect(new Set(tags).size).toBe(2);
    expect(tags).not.toContain(undefined);
  });

  it("is the From address without the option, and the Message-ID names the message all the same", async () => {
    const { post, book, mailer } = await setting();
    await mailer.send(newsletter);
    expect(post.messages[0]?.envelope.from).toBe("news@acme.example");
    expect(messageIdOf(post.messages[0])).toEqual([`<${book.entries[0]?.tag}@acme.example>`]);
  });

  it("is the From address where nothing shall be reported, and the Message-ID is a random one", async () => {
    const { post, book, mailer } = await setting({ dsn: true }, { bounces });
    book.tagged = false;
    for (const messageKey of ["1", "2"]) await mailer.send({ ...receipt, messageKey });
    expect(post.messages.map(({ envelope }) => envelope.from)).toEqual(Array(2).fill("news@acme.example"));
    const ids = post.messages.flatMap((message) => messageIdOf(message) ?? []);
    expect(new Set(ids).size).toBe(2);
    expect(ids.map((id) => readMessageId(id, "acme.example"))).toEqual([undefined, undefined]);
    expect(post.search("ENVID=")).toEqual([]);
  });

  it("is the same for a repeat, and so is the Message-ID", async () => {
    const faults = [{ at: "mail" as const, answer: "drop", times: 1 }];
    const { post, book, mailer } = await setting({ faults }, { bounces });
    expect(await mailer.send(receipt)).toMatchObject({ status: "notSent" });
    expect(await mailer.send(receipt)).toMatchObject({ status: "accepted" });
    const tags = book.entries.map((entry) => entry.tag);
    expect(new Set(tags).size).toBe(1);
    expect(post.messages.map(({ envelope }) => envelope.from)).toEqual([`b+${tags[0]}@${domain}`]);
  });

  it("is no address that somebody else's tag could forge", async () => {
    for (const returnTag of ["", "short", tag.toUpperCase(), `${tag}@evil.example>\r\nRCPT TO:<a`]) {
      const permit = {
        allowed: true,
        class: "transactional",
        signal: new AbortController().signal,
        returnTag,
        handOver: async () => true,
        settle: async () => {},
      } as const;
      const { post, mailer } = await setting({}, { bounces, permits: { take: async () => permit } });
      await expect(mailer.send(receipt)).rejects.toThrow(TypeError);
      expect(post.connections).toBe(0);
    }
  });
});

describe("what a bounce shall be like", () => {
  it("is asked for where the server offers it: headers alone, named by the tag", async () => {
    const { post, book, mailer } = await setting({ dsn: true }, { bounces });
    await mailer.send(newsletter);
    const from = `b+${book.entries[0]?.tag}@${domain}`;
    expect(post.search(`MAIL FROM:<${from}> RET=HDRS ENVID=${book.entries[0]?.tag}\n`)).toEqual(["session"]);
    expect(post.search(`RCPT TO:<${anna}> NOTIFY=FAILURE\n`)).toEqual(["session"]);
  });

  it("is not asked for where it is not offered, which would be a syntax error there", async () => {
    const { post, mailer } = await setting({}, { bounces });
    expect(await mailer.send(newsletter)).toMatchObject({ status: "accepted" });
    for (const word of ["RET=", "ENVID=", "NOTIFY="]) expect(post.search(word)).toEqual([]);
  });
});

describe("readReturnTag", () => {
  it.each([[`b+${tag}@${domain}`], [`B+${tag.toUpperCase()}@Bounces.Acme.EXAMPLE`]])(
    "reads %s",
    (address) => {
      expect(readReturnTag(address, domain)).toBe(tag);
    },
  );

  it.each([
    `b+${tag}@other.example`,
    `b+${tag}@x.${domain}`,
    `b+${tag}@${domain}.evil.example`,
    `b+${tag}@evil.example@${domain}`,
    `b+${tag}@${domain}@evil.example`,
    `c+${tag}@${domain}`,
    `b-${tag}@${domain}`,
    `bb+${tag}@${domain}`,
    `${tag}@${domain}`,
    `b+${tag}a@${domain}`,
    `b+${tag.slice(1)}@${domain}`,
    `b+1${tag.slice(1)}@${domain}`,
    `<b+${tag}@${domain}>`,
    ` b+${tag}@${domain}`,
    `b+${tag}@${domain}\n`,
    `"b+${tag}"@${domain}`,
    "",
    "@",
  ])("reads nothing in %j", (address) => {
    expect(readReturnTag(address, domain)).toBeUndefined();
  });

  it("reads a tag and nothing else, whatever it is given", () => {
    const part = fc.oneof(fc.constantFrom("b+", tag, "@", domain, "<", "\n", "ſ", "K"), fc.string());
    const address = fc.array(part, { maxLength: 6 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(address, (value) => {
        const read = readReturnTag(value, domain);
        expect(read === undefined || value.toLowerCase() === `b+${read}@${domain}`).toBe(true);
        expect(read ?? tag).toMatch(/^[a-z2-7]{26}$/);
      }),
    );
  });
});

describe("readMessageId", () => {
  it.each([`<${tag}@acme.example>`, `${tag}@acme.example`, ` <${tag.toUpperCase()}@ACME.example> `])(
    "reads %j",
    (messageId) => {
      expect(readMessageId(messageId, "acme.example")).toBe(tag);
    },
  );

  it.each([
    `<${tag}@evil.example>`,
    `<${tag}@evil-acme.example>`,
    `<x${tag}@acme.example>`,
    `<b+${tag}@acme.example>`,
    `<${tag}@acme.example> <${tag}@acme.example>`,
    `<${tag}@acme.example`,
    `<<${tag}@acme.example>>`,
    "<123e4567-e89b-12d3-a456-426614174000@acme.example>",
    "",
  ])("reads nothing in %j", (messageId) => {
    expect(readMessageId(messageId, "acme.example")).toBeUndefined();
  });
});
