import { describe, expect, it } from "vitest";
import { judge, keys, newsletter, receipt, setting } from "../test/setting.ts";

const lists = {
  domain: "lists.acme.example",
  titles: { news: 'Acme "News"' },
  help: "help@acme.example",
  owner: "owner?1@acme.example",
} as const;

type Options = Parameters<typeof setting>[1];

/** The header fields of a message as it arrived, and its octets. */
async function sent(ask: typeof newsletter | typeof receipt | object, options: Options = {}) {
  const { post, mailer } = await setting({}, options);
  const outcome = await mailer.send({ ...newsletter, ...ask });
  const headers = post.messages[0]?.headers ?? [];
  const named = (name: string) => headers.filter((each) => each.name === name).map(({ value }) => value);
  return { outcome, headers, named, raw: post.messages[0]?.raw ?? Buffer.alloc(0) };
}

const marketing = {
  allowed: true,
  class: "marketing",
  signal: new AbortController().signal,
  unsubscribeToken: "k1.token",
  handOver: async () => true,
  settle: async () => {},
} as const;

describe("marketing mail", () => {
  it("names its list, and whom to ask about it", async () => {
    const { named, raw } = await sent(newsletter, { lists });
    expect(named("list-id")).toEqual([String.raw`"Acme \"News\"" <news.lists.acme.example>`]);
    expect(named("list-help")).toEqual(["<mailto:help@acme.example>"]);
    expect(named("list-owner")).toEqual(["<mailto:owner%3F1@acme.example>"]);
    expect(named("precedence")).toEqual([]);
    expect(await judge(raw)).toBe("pass");
  });

  it("names its list in any language, in lines that no server cuts", async () => {
    const title = "Nyhetsbrev från Åkeri & Släp, ".repeat(6).trim();
    const { named, raw } = await sent(newsletter, {
      lists: { domain: lists.domain, titles: { news: title } },
    });
    expect(named("list-id")[0]).toMatch(/^(?:=\?UTF-8\?B\?[\w+/=]+\?= )+<news\.lists\.acme\.example>$/);
    const words = named("list-id")[0]?.match(/(?<=\?B\?)[\w+/=]+/g) ?? [];
    expect(words.map((word) => Buffer.from(word, "base64").toString()).join("")).toBe(title);
    expect(
      Math.max(
        ...raw
          .toString()
          .split("\r\n")
          .map((line) => line.length),
      ),
    ).toBeLessThan(100);
    expect(await judge(raw)).toBe("pass");
  });

  it("has an id and no title for a topic without one, and none at all without a domain", async () => {
    expect((await sent(newsletter, { lists: { domain: lists.domain } })).named("list-id")).toEqual([
      "<news.lists.acme.example>",
    ]);
    expect((await sent(newsletter)).headers.filter(({ name }) => /^list-(?!unsub)/.test(name))).toEqual([]);
  });

  it("says Precedence only where it is told to", async () => {
    expect((await sent(newsletter, { lists: { ...lists, precedence: "bulk" } })).named("precedence")).toEqual(
      ["bulk"],
    );
  });

  const permits = { take: async () => marketing };

  it.each(["two words", "å", "a..b", "a>, <b", "a\r\nBcc: eve@x.example", "n".repeat(240)])(
    "is not sent for the topic %j, which no list can be named after",
    async (topic) => {
      await expect(sent({ topic }, { lists, permits })).rejects.toMatchObject({ name: "InvalidInputError" });
    },
  );

  it("takes no title from anywhere but the options", async () => {
    const { named } = await sent({ topic: "constructor" }, { lists, permits });
    expect(named("list-id")).toEqual(["<constructor.lists.acme.example>"]);
  });

  it("answers nobody", async () => {
    const { post, book, mailer } = await setting();
    await expect(mailer.send({ ...newsletter, inReplyTo: "<1@dest.example>" })).rejects.toMatchObject({
      name: "InvalidInputError",
    });
    expect([post.connections, book.entries.map(({ outcome }) => outcome)]).toEqual([0, ["not-sent"]]);
  });
});

describe("a system's own mail", () => {
  it("asks machines for no answer, and is no list's", async () => {
    const { named, headers, raw } = await sent(receipt, { lists: { ...lists, precedence: "bulk" } });
    expect([named("auto-submitted"), named("x-auto-response-suppress")]).toEqual([
      ["auto-generated"],
      ["All"],
    ]);
    expect(headers.filter(({ name }) => /^list-|^precedence$/.test(name))).toEqual([]);
    expect(await judge(raw)).toBe("pass");
  });

  it("says what it answers", async () => {
    const inReplyTo = "<CAF-1=x_y%z@mail.dest.example>";
    const { named, raw } = await sent({ ...receipt, inReplyTo });
    expect([named("in-reply-to"), named("references"), named("auto-submitted")]).toEqual([
      [inReplyTo],
      [inReplyTo],
      ["auto-replied"],
    ]);
    expect(await judge(raw)).toBe("pass");
  });
});

describe("every message", () => {
  it("says its language where it has one", async () => {
    const message = { ...newsletter.message, language: "sv-SE" };
    expect((await sent({ message })).named("content-language")).toEqual(["sv-SE"]);
    expect((await sent(receipt)).named("content-language")).toEqual([]);
  });

  it("says by topic and class what Gmail's spam rates are told of, the same to everybody", async () => {
    const { post, mailer } = await setting({}, { feedbackSenderId: "acme-1" });
    for (const to of ["a@dest.example", "b@dest.example"]) await mailer.send({ ...newsletter, to });
    await mailer.send(receipt);
    expect(
      post.messages.map(({ headers }) => headers.filter(({ name }) => name === "feedback-id")),
    ).toMatchObject([
      [{ value: "news:marketing:acme-1" }],
      [{ value: "news:marketing:acme-1" }],
      [{ value: "receipts:transactional:acme-1" }],
    ]);
  });

  it("tells Gmail of a topic in characters that tell its fields apart", async () => {
    const transactional = { ...marketing, class: "transactional" } as const;
    const options = { feedbackSenderId: "acme-1", permits: { take: async () => transactional } };
    const { named } = await sent({ ...receipt, topic: "a b:c\u00e5/d" }, options);
    expect(named("feedback-id")).toEqual(["a-b-c--d:transactional:acme-1"]);
  });

  it("has its caller's Feedback-ID in place of that one", async () => {
    const message = { ...newsletter.message, headers: { "feedback-id": "campaign:b:c:acme1" } };
    const { named } = await sent({ message }, { feedbackSenderId: "acme-1" });
    expect(named("feedback-id")).toEqual(["campaign:b:c:acme1"]);
  });

  it("has each field at most once, whatever its caller says too", async () => {
    const headers = {
      "Reply-To": "help@acme.example",
      "FEEDBACK-ID": "a:b:c:acme1",
      Importance: "high",
      Organization: "Acme",
      "X-Priority": "1",
    };
    for (const ask of [newsletter, { ...receipt, inReplyTo: "<1@dest.example>" }]) {
      const message = { ...ask.message, language: "en", headers };
      const { headers: arrived } = await sent(
        { ...ask, message },
        { lists: { ...lists, precedence: "bulk" }, feedbackSenderId: "acme-1" },
      );
      const names = arrived.map(({ name }) => name);
      expect(names.length).toBeGreaterThan(15);
      expect(names).toEqual([...new Set(names)]);
    }
  });
});

describe("two streams", () => {
  const from = { marketing: "news@news.acme.example", other: { name: "Acme", address: "help@acme.example" } };
  const dkim = {
    marketing: { domain: "news.acme.example", selector: "n1", privateKey: keys.privateKey },
    other: { domain: "acme.example", selector: "o1", privateKey: keys.privateKey },
  };

  it("have their own sender and their own signature", async () => {
    const { post, mailer } = await setting({}, { from, dkim });
    await mailer.send(newsletter);
    await mailer.send(receipt);
    expect(post.messages.map(({ envelope }) => envelope.from)).toEqual([
      "news@news.acme.example",
      "help@acme.example",
    ]);
    const signatures = post.messages.map(
      ({ headers }) => headers.find(({ name }) => name === "dkim-signature")?.value ?? "",
    );
    expect(signatures[0]).toContain("d=news.acme.example; s=n1;");
    expect(signatures[1]).toContain("d=acme.example; s=o1;");
    expect(await Promise.all(post.messages.map(({ raw }) => judge(raw)))).toEqual(["pass", "pass"]);
  });
});
