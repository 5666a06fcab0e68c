import { ConflictError } from "@heed/core";
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { addresses, anna, answers, annasServer, inboxSetting } from "../../test/inbox-setting.ts";
import { letter, sign } from "../../test/letters.ts";

const everything = ["news", "surveys"];
const unsubscribe = { to: "webmaster@acme.example", subject: "unsubscribe" };

async function tokenOf(setting: Awaited<ReturnType<typeof inboxSetting>>): Promise<string> {
  const permit = await setting.permit("news");
  if (!permit.allowed || permit.unsubscribeToken === undefined) throw new Error("no token");
  return permit.unsubscribeToken;
}

describe("a mail with a token", () => {
  it.each(["Subject", "envelope", "To"])(
    "in its %s unsubscribes whom it was issued for, whoever sent it",
    async (place) => {
      const setting = await inboxSetting();
      const token = await tokenOf(setting);
      const raw = letter({
        from: "somebody@else.example",
        to: place === "To" ? `stop+${token}@acme.example` : "stop@acme.example",
        subject: place === "Subject" ? token : "Hello",
      });
      const to = place === "envelope" ? `stop+${token}@acme.example` : "stop@acme.example";
      expect(await setting.arrive(raw, to)).toEqual({ did: "unsubscribed", by: "token" });
      expect(await setting.gets()).toEqual(["surveys"]);
      expect(setting.post.messages).toEqual([]);
    },
  );

  it("is not taken while it cannot be recorded, so that it comes again", async () => {
    const setting = await inboxSetting();
    const raw = letter({ to: "stop@acme.example", subject: await tokenOf(setting) });
    vi.spyOn(setting.heed.links, "unsubscribe").mockRejectedValueOnce(new Error("storage down"));
    await expect(setting.arrive(raw, "stop@acme.example")).rejects.toThrow("storage down");
    expect(await setting.arrive(raw, "stop@acme.example")).toMatchObject({ did: "unsubscribed" });
    expect(await setting.gets()).toEqual(["surveys"]);
  });

  it("sent to where all lists end ends all of them", async () => {
    const setting = await inboxSetting();
    const raw = letter({ subject: `unsubscribe ${await tokenOf(setting)}` });
    expect(await setting.arrive(raw)).toEqual({ did: "unsubscribed", by: "token" });
    expect(await setting.gets()).toEqual([]);
  });

  it("that is not authentic is a mail without one", async () => {
    const setting = await inboxSetting();
    const token = await tokenOf(setting);
    const forged = `${token.slice(0, -1)}${token.endsWith("A") ? "B" : "A"}`;
    const raw = letter({ from: "mallory@else.example", to: "stop@acme.example", subject: forged });
    expect(await setting.arrive(raw, "stop@acme.example")).toEqual({ did: "kept", because: "no-wish" });
    expect(await setting.gets()).toEqual(everything);
  });

  it.each([
    ["Auto-Submitted: auto-replied\n", anna],
    ["Auto-Submitted: auto-generated (vacation)\n", anna],
    ["X-Auto-Response-Suppress: All\n", anna],
    ["Precedence: bulk\n", anna],
    ["X-Autoreply: yes\n", anna],
    ["Return-Path: <>\n", anna],
    ["", ""],
  ])("in a vacation reply (%j from %j) does nothing", async (head, mailFrom) => {
    const setting = await inboxSetting();
    const token = await tokenOf(setting);
    const raw = letter({ head, to: `stop+${token}@acme.example`, subject: `Re: ${token}` });
    const result = await setting.arrive(raw, `stop+${token}@acme.example`, { mailFrom });
    expect(result).toEqual({ did: "ignored", because: "automatic" });
    expect(await setting.gets()).toEqual(everything);
  });

  it("says so where a machine says that it is none", async () => {
    const setting = await inboxSetting();
    const raw = letter({ head: "Auto-Submitted: no\n", subject: await tokenOf(setting) });
    expect(await setting.arrive(raw)).toMatchObject({ did: "unsubscribed" });
  });
});

describe("a mail whose sender DMARC shows", () => {
  it.each([
    ["unsubscribe", "", "webmaster@acme.example"],
    ["Avregistrera", "", "webmaster@acme.example"],
    ["Re: Sv: UNSUBSCRIBE!", "", "webmaster@acme.example"],
    ["Hello", "Hi all,\n\nPlease remove me from your list.\nThanks", "webmaster@acme.example"],
    ["", "", "stop@acme.example"],
  ])("unsubscribes from all lists: %j, %j", async (subject, text, to) => {
    const setting = await inboxSetting();
    const raw = await sign(letter({ subject, text, to }), undefined, "from:to:subject:message-id");
    expect(await setting.arrive(raw, to)).toEqual({ did: "unsubscribed", topic: "all", by: "sender" });
    expect(await setting.gets()).toEqual([]);
    expect((await setting.permit("receipts")).allowed).toBe(true);
    expect(setting.post.messages).toEqual([]);
  });

  it("unsubscribes from the list that it names, or that its address stands for", async () => {
    for (const to of ["stop@acme.example", "stop-news@acme.example"] as const) {
      const setting = await inboxSetting();
      const subject = to === "stop@acme.example" ? "unsubscribe news" : "Hello there";
      const raw = await sign(letter({ to, subject }));
      expect(await setting.arrive(raw, to)).toEqual({ did: "unsubscribed", topic: "news", by: "sender" });
      expect(await setting.gets()).toEqual(["surveys"]);
    }
  });

  it("unsubscribes from all lists where that is what the address is for, whichever the mail names", async () => {
    const setting = await inboxSetting();
    const raw = await sign(letter({ ...unsubscribe, subject: "unsubscribe news" }));
    expect(await setting.arrive(raw)).toEqual({ did: "unsubscribed", topic: "all", by: "sender" });
    expect(await setting.gets()).toEqual([]);
  });

  it("unsubscribes from the list that its first line names", async () => {
    const setting = await inboxSetting();
    const to = "stop@acme.example";
    const raw = await sign(letter({ to, subject: "Hello", text: "Please unsubscribe me from nyheter." }));
    expect(await setting.arrive(raw, to)).toEqual({ did: "unsubscribed", topic: "news", by: "sender" });
    expect(await setting.gets()).toEqual(["surveys"]);
  });

  it("may be shown by the server that it comes from, or by what a trusted provider says", async () => {
    for (const envelope of [
      { remoteIp: annasServer },
      {
        authResults:
          "mx.provider.example; spf=pass smtp.mailfrom=sender.example; dmarc=pass (p=REJECT) header.from=sender.example",
      },
    ]) {
      const setting = await inboxSetting();
      expect(await setting.arrive(letter(unsubscribe), undefined, envelope)).toMatchObject({ by: "sender" });
      expect(await setting.gets()).toEqual([]);
    }
  });

  it("may be shown where nobody knows the envelope, by its signature alone", async () => {
    const setting = await inboxSetting();
    const unknown = { mailFrom: undefined, helo: "sender.example", remoteIp: annasServer };
    expect(await setting.arrive(letter(unsubscribe), undefined, unknown)).toEqual({
      did: "asked-to-confirm",
    });
    expect(await setting.arrive(await sign(letter(unsubscribe)), undefined, unknown)).toMatchObject({
      by: "sender",
    });
  });

  it("ends a consent, also where the address alone says which", async () => {
    const setting = await inboxSetting();
    const raw = await sign(letter({ to: "data-protection@acme.example", subject: "I withdraw my consent" }));
    expect(await setting.arrive(raw, "data-protection@acme.example")).toEqual({
      did: "withdrew",
      by: "sender",
    });
    expect(await setting.gets()).toEqual([]);
    expect((await setting.heed.consent.state({ subject: { email: anna }, purpose: "profiling" })).state).toBe(
      "not-given",
    );

    const other = await inboxSetting();
    const to = "consent@acme.example";
    expect(await other.arrive(await sign(letter({ to, subject: "Hi" })), to)).toEqual({
      did: "withdrew",
      by: "sender",
    });
    expect((await other.heed.consent.state({ subject: { email: anna }, purpose: "profiling" })).state).toBe(
      "not-given",
    );
    expect(await other.gets()).toEqual(everything);
  });

  it("ends a consent once: replayed after a new one it does nothing", async () => {
    const setting = await inboxSetting();
    const to = "consent@acme.example";
    const raw = await sign(letter({ to, subject: "Hi" }));
    await setting.arrive(raw, to);
    setting.pass(60_000);
    await setting.know(anna);
    expect(await setting.arrive(raw, to)).toEqual({ did: "withdrew", by: "sender" });
    const state = await setting.heed.consent.state({ subject: { email: anna }, purpose: "profiling" });
    expect(state.state).toBe("given");
  });

  it("counts once: replayed after a new opt-in it does nothing", async () => {
    const setting = await inboxSetting();
    const raw = await sign(letter(unsubscribe));
    await setting.arrive(raw);
    setting.pass(60_000);
    await setting.know(anna);
    expect(await setting.gets()).toEqual(everything);
    await setting.arrive(raw);
    await setting.arrive(raw, "webmaster@acme.example", {
      rcptTo: ["webmaster@acme.example", "stop@acme.example"],
    });
    expect(await setting.gets()).toEqual(everything);
    await setting.arrive(await sign(letter(unsubscribe)));
    expect(await setting.gets()).toEqual([]);
  });
});

describe("a mail to the addresses of two lists", () => {
  const lists = {
    "stop-news@acme.example": { unsubscribe: "news" },
    "stop-surveys@acme.example": { unsubscribe: "surveys" },
  } as const;
  const both = { rcptTo: Object.keys(lists) };
  const raw = (): Buffer => letter({ to: both.rcptTo.join(", "), subject: "Hello" });

  it("ends both", async () => {
    const setting = await inboxSetting({ addresses: lists });
    expect(await setting.arrive(await sign(raw()), undefined, both)).toEqual({
      did: "unsubscribed",
      by: "sender",
    });
    expect(await setting.gets()).toEqual([]);
  });

  it("is asked about as one, where nothing shows who wrote it", async () => {
    const setting = await inboxSetting({ addresses: lists });
    expect(await setting.arrive(raw(), undefined, both)).toEqual({ did: "asked-to-confirm" });
    const [question] = setting.post.messages;
    expect(question?.text).toContain("newsletters and offers");
    const [, token = ""] = /acme\.example\/u\/(\S+)/.exec(question?.text ?? "") ?? [];
    await setting.heed.links.unsubscribe({ token, scope: "topic" });
    expect(await setting.gets()).toEqual([]);
  });
});

describe("a mail that anybody could have written", () => {
  /** Each is a way to make somebody else's wish out of nothing, or out of a genuine mail. */
  const forgeries: Record<string, () => Promise<Buffer> | Buffer> = {
    "a forged From": () => letter(unsubscribe),
    "a signature of another domain": () => sign(letter(unsubscribe), "stranger.example"),
    "two From fields": async () =>
      Buffer.concat([Buffer.from("From: mallory@stranger.example\r\n"), await sign(letter(unsubscribe))]),
    "another subject on top of a signed mail": async () =>
      Buffer.concat([
        Buffer.from("Subject: unsubscribe\r\n"),
        await sign(letter({ subject: "See you on Monday" })),
      ]),
    "another id on top of a signed mail": async () =>
      Buffer.concat([Buffer.from("Message-ID: <new@sender.example>\r\n"), await sign(letter(unsubscribe))]),
    "a signature that leaves the subject out": () =>
      sign(letter(unsubscribe), undefined, "from:to:date:message-id"),
    "a signature that leaves the id out": () => sign(letter(unsubscribe), undefined, "from:to:subject:date"),
    "a signed mail to somebody else": () => sign(letter({ ...unsubscribe, to: "list@elsewhere.example" })),
    "a body that may go on": () => sign(letter({ ...unsubscribe, text: "Hi" }), undefined, undefined, 2),
    "a subject where a signed mail had none": async () =>
      Buffer.concat([
        Buffer.from("Subject: unsubscribe\r\n"),
        await sign(letter({ subject: "" }), undefined, "from:to:message-id"),
      ]),
    "a Cc to us on top of a signed mail to somebody else": async () =>
      Buffer.concat([
        Buffer.from("Cc: webmaster@acme.example\r\n"),
        await sign(letter({ ...unsubscribe, to: "list@elsewhere.example" })),
      ]),
    "our address as whoever delivered it, on top of a signed mail to somebody else": async () =>
      Buffer.concat([
        Buffer.from("Delivered-To: webmaster@acme.example\r\n"),
        await sign(letter({ ...unsubscribe, to: "list@elsewhere.example" })),
      ]),
    "more of a signed mail than is read": async () =>
      Buffer.concat([await sign(letter(unsubscribe)), Buffer.alloc(30_000, "\n")]),
    "more signatures than anybody needs": async () => {
      const one = await sign(letter(unsubscribe), "stranger.example");
      const field = one.subarray(0, one.indexOf("From:"));
      const signed = await sign(letter(unsubscribe));
      return Buffer.concat([...Array.from({ length: 10 }, () => field), signed]);
    },
    "no id": () => sign(letter({ ...unsubscribe, id: "" })),
    "a changed body": async () =>
      Buffer.concat([await sign(letter(unsubscribe)), Buffer.from("unsubscribe\r\n")]),
  };

  it.each(Object.entries(forgeries))("stops nothing: %s", async (_, forge) => {
    const setting = await inboxSetting();
    const result = await setting.arrive(await forge());
    expect(["asked-to-confirm", "kept"]).toContain(result.did);
    expect(await setting.gets()).toEqual(everything);
    expect((await setting.heed.consent.state({ subject: { email: anna }, purpose: "profiling" })).state).toBe(
      "given",
    );
  });

  it.each([
    "mx.example; dmarc=fail header.from=sender.example",
    "mx.example; dmarc=pass header.from=stranger.example",
    "mx.example; dmarc=pass",
    "mx.example; dmarc=fail (dmarc=pass header.from=sender.example) header.from=sender.example",
    'mx.example; spf=pass smtp.mailfrom="x; dmarc=pass header.from=sender.example"',
    "mx.example; dmarc=fail header.from=sender.example; dmarc=pass header.from=sender.example",
    "mx.example; dmarc=pass header.from=example",
    "mx.example; dmarc=passport header.from=sender.example",
    "mx.example; dmarc=pass (oh header.from=sender.example",
    "mx.example; x-dmarc=pass header.from=sender.example",
  ])("is not made genuine by %j", async (authResults) => {
    const setting = await inboxSetting();
    expect(await setting.arrive(letter(unsubscribe), undefined, { authResults })).toEqual({
      did: "asked-to-confirm",
    });
    expect(await setting.gets()).toEqual(everything);
  });

  it("asks the address on file, once a day, and never the one that it names", async () => {
    const setting = await inboxSetting();
    await setting.know("Ben@Sender.example");
    const raw = (): Buffer =>
      letter({
        ...unsubscribe,
        id: "<first@sender.example>",
        from: "BEN@sender.example",
        head: "Reply-To: mallory@else.example\n",
      });
    for (let mail = 0; mail < 3; mail += 1)
      expect(await setting.arrive(raw())).toEqual({ did: "asked-to-confirm" });
    expect(setting.post.messages.map(({ envelope }) => envelope.to)).toEqual([["Ben@sender.example"]]);
    expect(setting.post.search("mallory")).toEqual([]);

    const [question] = setting.post.messages;
    const field = (wanted: string) => question?.headers.find(({ name }) => name === wanted)?.value;
    expect([field("auto-submitted"), field("in-reply-to")]).toEqual([
      "auto-replied",
      "<first@sender.example>",
    ]);
    const [, token] = /https:\/\/acme\.example\/u\/(\S+)/.exec(question?.text ?? "") ?? [];
    await setting.heed.links.unsubscribe({ token: token ?? "", scope: "all" });
    expect(await setting.gets("Ben@sender.example")).toEqual([]);

    setting.pass(24 * 3_600_000);
    await setting.arrive(raw());
    expect(setting.post.messages).toHaveLength(2);
  });

  it.each(["", "<a b@c.example>", "no id", `<${"x".repeat(900)}@c.example>`, "<å@c.example>"])(
    "is answered whatever its id: %j",
    async (id) => {
      const setting = await inboxSetting();
      expect(await setting.arrive(letter({ ...unsubscribe, id }))).toEqual({ did: "asked-to-confirm" });
      expect(setting.post.messages[0]?.headers.some(({ name }) => name === "in-reply-to")).toBe(false);
    },
  );

  it("is told which list is meant", async () => {
    const setting = await inboxSetting();
    await setting.arrive(
      letter({ to: "stop@acme.example", subject: "unsubscribe nyheter" }),
      "stop@acme.example",
    );
    expect(setting.post.messages[0]?.text).toContain("send you no more “news”");
    const [, token = ""] = /acme\.example\/u\/(\S+)/.exec(setting.post.messages[0]?.text ?? "") ?? [];
    await setting.heed.links.unsubscribe({ token, scope: "topic" });
    expect(await setting.gets()).toEqual(["surveys"]);
  });

  it("asks in the language of the mail", async () => {
    const setting = await inboxSetting();
    await setting.arrive(letter({ subject: "Avregistrera mig" }));
    expect(setting.post.messages[0]?.subject).toBe("Vill du avsluta prenumerationen från Acme?");
  });

  it("writes to nobody who is not known", async () => {
    const setting = await inboxSetting();
    const raw = letter({ ...unsubscribe, from: "victim@else.example" });
    expect(await setting.arrive(raw)).toEqual({ did: "ignored", because: "unknown-sender" });
    expect(setting.post.messages).toEqual([]);
  });

  it("writes to nobody who is known by nothing but mail that anybody could have written", async () => {
    const setting = await inboxSetting();
    const to = "data-protection@acme.example";
    for (let day = 0; day < 3; day += 1) {
      for (const subject of ["Delete my data", "I want access to my data", "I object", "unsubscribe"])
        await setting.arrive(letter({ to, subject, from: "victim@else.example" }), to);
      setting.pass(24 * 3_600_000);
    }
    expect(setting.post.messages).toEqual([]);
  });

  it("counts where that was chosen, for unsubscribing and nothing else", async () => {
    const setting = await inboxSetting({ unverified: "unsubscribe" });
    expect(await setting.arrive(letter(unsubscribe))).toEqual({
      did: "unsubscribed",
      topic: "all",
      by: "unverified",
    });
    expect(await setting.gets()).toEqual([]);
    const state = () => setting.heed.consent.state({ subject: { email: anna }, purpose: "profiling" });
    await setting.arrive(letter({ subject: "I withdraw my consent" }));
    expect((await state()).state).toBe("given");
    await setting.arrive(letter({ subject: "Delete my data" }));
    await setting.heed.work.drain();
    expect(setting.people.has(anna)).toBe(true);
  });

  it.each(["confirm", "unsubscribe"] as const)(
    "that withdraws a consent is left to people: %s",
    async (unverified) => {
      const setting = await inboxSetting({ unverified });
      const to = "consent@acme.example";
      expect(await setting.arrive(letter({ to, subject: "Hi" }), to)).toMatchObject({
        did: "case",
        about: "withdrawal",
      });
      expect(
        (await setting.heed.consent.state({ subject: { email: anna }, purpose: "profiling" })).state,
      ).toBe("given");
      expect(setting.post.messages[0]?.text).not.toContain("acme.example/u/");
      expect(await setting.gets()).toEqual(everything);
      expect(setting.kept).toHaveLength(1);
    },
  );

  it("from the display name of another is from whoever it is from", async () => {
    const setting = await inboxSetting();
    const from = `"${anna}" <mallory@stranger.example>`;
    const raw = await sign(letter({ ...unsubscribe, from }), "stranger.example");
    expect(await setting.arrive(raw)).toMatchObject({ did: "unsubscribed", by: "sender" });
    expect(await setting.gets()).toEqual(everything);
  });

  it.each([
    `${anna}, mallory@stranger.example`,
    `"x" <mallory@stranger.example> <${anna}>`,
    `Group: ${anna};`,
    "",
    "nobody",
    "<@>",
  ])("from nobody in particular (%j) is left to people", async (from) => {
    const setting = await inboxSetting();
    const raw = await sign(letter({ ...unsubscribe, from }), "stranger.example");
    expect(await setting.arrive(raw)).toEqual({ did: "kept", because: "no-sender" });
    expect(await setting.gets()).toEqual(everything);
  });
});

describe("a mail that nobody wrote", () => {
  it.each([
    ["a mailing list", "List-Id: <list.elsewhere.example>\n"],
    ["our own mail come back", "X-Heed-Loop: inbox\n"],
    ["a mail of ours by its id", "Message-ID: <aaaaaaaaaaaaaaaaaaaaaaaaaa@acme.example>\n"],
    ["another automatic mail", "Auto-Submitted: auto-generated\n"],
  ])("is neither answered nor acted upon: %s", async (_, head) => {
    const setting = await inboxSetting();
    const raw = await sign(
      letter({ ...unsubscribe, head, id: head.startsWith("Message-ID") ? "" : "<a@b.example>" }),
    );
    expect(await setting.arrive(raw)).toEqual({ did: "ignored", because: "automatic" });
    expect(await setting.gets()).toEqual(everything);
    expect(setting.post.messages).toEqual([]);
  });

  it("is not answered when it is the answer to our answer", async () => {
    const setting = await inboxSetting();
    await setting.arrive(letter(unsubscribe));
    const question = setting.post.messages[0]?.raw ?? Buffer.alloc(0);
    expect(await setting.arrive(question)).toEqual({ did: "ignored", because: "automatic" });
    const from = "webmaster@acme.example";
    expect(await setting.arrive(letter({ ...unsubscribe, from }))).toEqual({
      did: "ignored",
      because: "automatic",
    });
    expect(setting.post.messages).toHaveLength(1);
  });

  it("goes to people where people ask for their rights", async () => {
    const setting = await inboxSetting();
    const to = "data-protection@acme.example";
    const raw = letter({ to, head: "Auto-Submitted: auto-replied\n", subject: "Delete my data" });
    expect(await setting.arrive(raw, to)).toEqual({ did: "kept", because: "automatic" });
    const business = "business@acme.example";
    const automatic = letter({ to: business, head: "Auto-Submitted: auto-replied\n" });
    expect(await setting.arrive(automatic, business)).toEqual({ did: "kept", because: "automatic" });
    expect(setting.kept.map(({ about }) => about.requests)).toEqual([[], []]);
    expect(await setting.heed.requests.list()).toEqual([]);
  });
});

describe("a mail that asks for a right", () => {
  const to = "data-protection@acme.example";

  it.each([
    ["Please delete my data", "en"],
    ["Radera mina uppgifter", "sv"],
  ])("opens a request that waits for its asker, from the moment it came: %s", async (subject) => {
    const setting = await inboxSetting();
    const raw = letter({ to, subject, head: "Date: Thu, 01 Jan 2015 00:00:00 +0000\n" });
    const result = await setting.arrive(raw, to);
    const [request] = await setting.heed.requests.list();
    expect(result).toEqual({
      did: "opened-request",
      requestId: request?.id,
      right: "erasure",
      acknowledged: true,
    });
    expect(request).toMatchObject({ right: "erasure", state: "awaiting_verification", dueOn: "2026-12-02" });

    await setting.heed.work.drain();
    expect(setting.people.has(anna)).toBe(true);
    const [told] = setting.post.messages;
    expect(told?.envelope.to).toEqual([anna]);
    expect(told?.text).toMatch(/https:\/\/acme\.example\/i\/\S+/);
    expect(told?.text).toMatch(/2 (?:December|december) 2026|December 2, 2026/);
  });

  it("is carried out once the asker is shown, by the link that they were sent", async () => {
    const setting = await inboxSetting();
    await setting.arrive(letter({ to, subject: "Delete my data" }), to);
    const [, token = ""] = /acme\.example\/i\/(\S+)/.exec(setting.post.messages[0]?.text ?? "") ?? [];
    await setting.heed.invitations.answer({ token, answer: "yes" });
    await setting.heed.work.drain();
    expect(setting.people.has(anna)).toBe(false);
  });

  it("never acts by itself, not even from a proven sender", async () => {
    const setting = await inboxSetting();
    await setting.arrive(await sign(letter({ to, subject: "Delete my data" })), to);
    await setting.heed.work.drain();
    expect(setting.people.has(anna)).toBe(true);
    expect(await setting.gets()).toEqual(everything);
  });

  it("is what its address stands for, and no more", async () => {
    const setting = await inboxSetting();
    const business = "business@acme.example";
    const raw = letter({ to: business, subject: "Delete my data, I do not want to be in your CRM" });
    expect(await setting.arrive(raw, business)).toMatchObject({ did: "opened-request", right: "objection" });
    expect(await setting.heed.requests.list()).toMatchObject([
      { right: "objection", state: "awaiting_verification" },
    ]);
  });

  it.each([
    ["A copy of my data", "access"],
    ["Registerutdrag", "access"],
    ["Rectification of my address", "rectification"],
    ["Begränsning av behandling", "restriction"],
    ["Data portability", "portability"],
    ["Klagomål", "complaint"],
    ["I object to profiling", "objection"],
  ])("is known by its words: %s", async (subject, about) => {
    const setting = await inboxSetting();
    expect(await setting.arrive(letter({ to, subject }), to)).toMatchObject({
      did: "case",
      about,
      acknowledged: true,
    });
  });

  it("is one also where it says nothing at all: somebody has to read what is with it", async () => {
    const setting = await inboxSetting();
    const raw = await sign(letter({ to, subject: "" }), undefined, "from:to:message-id");
    expect(await setting.arrive(raw, to)).toMatchObject({ did: "case", acknowledged: true });
    expect(await setting.gets()).toEqual(everything);
  });

  it("that is not clear is a case whose clock runs", async () => {
    const setting = await inboxSetting();
    const raw = letter({ to, subject: "A question", text: "What about my privacy?" });
    expect(await setting.arrive(raw, to)).toEqual({
      did: "case",
      requestId: `inquiry-unclear-${anna}`,
      acknowledged: true,
    });
    expect([...setting.inquiries.values()]).toEqual(["2026-11-02T10:01:00.000Z"]);
    expect(setting.kept[0]?.raw).toBe(raw);
    expect(setting.kept[0]?.about.requests).toEqual([{ id: `inquiry-unclear-${anna}`, right: "inquiry" }]);
  });

  it("is understood wherever it was sent, and so is who also wants no more mail", async () => {
    const setting = await inboxSetting();
    const raw = await sign(letter({ subject: "Unsubscribe me and delete my data" }));
    expect(await setting.arrive(raw)).toMatchObject({ did: "opened-request", right: "erasure" });
    expect(await setting.gets()).toEqual([]);
  });

  it("is acknowledged once a day, and to an unknown address only when it is shown", async () => {
    const setting = await inboxSetting();
    const subject = "Delete my data";
    await setting.arrive(await sign(letter({ to, subject })), to);
    await setting.arrive(await sign(letter({ to, subject })), to);
    expect(setting.post.messages).toHaveLength(1);

    const victim = letter({ to, subject, from: "victim@else.example" });
    expect(await setting.arrive(victim, to)).toMatchObject({ did: "opened-request", acknowledged: false });
    expect(await setting.arrive(victim, to)).toMatchObject({ did: "opened-request", acknowledged: false });
    const shown = await sign(letter({ to, subject, from: "new@stranger.example" }), "stranger.example");
    expect(await setting.arrive(shown, to)).toMatchObject({ did: "opened-request", acknowledged: true });
    expect(setting.post.messages.map(({ envelope }) => envelope.to)).toEqual([
      [anna],
      ["new@stranger.example"],
    ]);
  });

  it("is acknowledged without a link where the address alone would not show who asks", async () => {
    const setting = await inboxSetting();
    const subject = { email: anna, accountId: "4711" };
    await setting.heed.requests.open({ right: "erasure", subject, identity: "unverified" });
    const raw = await sign(letter({ to, subject: "Delete my data" }));
    expect(await setting.arrive(raw, to)).toMatchObject({ did: "opened-request", acknowledged: true });
    expect(setting.post.messages[0]?.text).not.toContain("acme.example/i/");
  });

  it("is acknowledged at the address on file, also where somebody spells it differently", async () => {
    const setting = await inboxSetting();
    await setting.know("Ben@Sender.example");
    const raw = await sign(letter({ to, subject: "Delete my data", from: "BEN@sender.example" }));
    expect(await setting.arrive(raw, to)).toMatchObject({ acknowledged: true });
    expect(setting.post.messages.map(({ envelope }) => envelope.to)).toEqual([["Ben@sender.example"]]);
  });

  it("beside a question is acknowledged with what shows who asks", async () => {
    const setting = await inboxSetting();
    const rcptTo = [to, "business@acme.example"];
    const raw = letter({ to: rcptTo.join(", "), subject: "A question" });
    const result = await setting.arrive(raw, undefined, { rcptTo });
    expect(result).toMatchObject({ did: "opened-request", right: "objection", acknowledged: true });
    expect(setting.kept[0]?.about.requests.map(({ right }) => right)).toEqual(["inquiry", "objection"]);
    expect(setting.post.messages.map(({ text }) => text)).toEqual([
      expect.stringContaining("https://acme.example/i/"),
    ]);
  });

  it("is not taken before it is opened", async () => {
    const setting = await inboxSetting();
    const raw = letter({ to, subject: "Delete my data" });
    vi.spyOn(setting.heed.requests, "open").mockRejectedValueOnce(new Error("storage down"));
    await expect(setting.arrive(raw, to)).rejects.toThrow("storage down");
    expect([setting.kept, setting.post.messages]).toEqual([[], []]);
    expect(await setting.arrive(raw, to)).toMatchObject({ did: "opened-request", acknowledged: true });
  });

  it("goes to people where something else is under way that it would get in the way of", async () => {
    const setting = await inboxSetting();
    const conflict = new ConflictError("busy", { code: "erasure-under-way" });
    vi.spyOn(setting.heed.requests, "open").mockRejectedValueOnce(conflict);
    const raw = letter({ to, subject: "Delete my data" });
    expect(await setting.arrive(raw, to)).toEqual({ did: "kept", because: "conflict" });
    expect(setting.kept).toMatchObject([{ raw, about: { requests: [], because: "conflict" } }]);
    expect(setting.post.messages).toEqual([]);
  });

  it("is kept under the same id, however often and by whatever way it comes", async () => {
    const setting = await inboxSetting();
    const id = "<once@sender.example>";
    const ids = async (...mails: readonly Buffer[]): Promise<number> => {
      setting.kept.length = 0;
      for (const mail of mails) {
        await setting.arrive(mail, to);
        setting.pass(1000);
      }
      return new Set(setting.kept.map(({ about }) => about.id)).size;
    };
    const one = letter({ to, id, subject: "A question" });
    expect(await ids(one, Buffer.concat([Buffer.from("Received: by mx.example\r\n"), one]))).toBe(1);
    // Whoever writes under somebody else's id takes nothing of theirs away.
    expect(await ids(one, letter({ to, id, subject: "A question", from: "mallory@else.example" }))).toBe(2);
    const machine = letter({ to, head: "Auto-Submitted: auto-replied\n" });
    expect(await ids(machine, machine)).toBe(1);
  });

  it("is not taken before it is kept", async () => {
    let isBroken = true;
    const setting = await inboxSetting({
      keep: async () => {
        if (isBroken) throw new Error("help desk down");
      },
    });
    const raw = letter({ to, subject: "Delete my data" });
    await expect(setting.arrive(raw, to)).rejects.toThrow("help desk down");
    expect(setting.post.messages).toEqual([]);
    isBroken = false;
    expect(await setting.arrive(raw, to)).toMatchObject({ did: "opened-request" });
    expect(await setting.heed.requests.list()).toHaveLength(1);
  });
});

describe("an inbox whose mailer cannot write to where somebody has mail", () => {
  const umlaut = "j\u00FCrgen@dest.example";
  const envelope = { mailFrom: umlaut, authResults: "mx; dmarc=pass header.from=dest.example" };

  it("does what they ask for all the same, and does not have their mail sent again", async () => {
    const setting = await inboxSetting();
    await setting.know(umlaut);
    const erasure = letter({ from: umlaut, to: "data-protection@acme.example", subject: "erase my data" });
    expect(await setting.arrive(erasure, "data-protection@acme.example", envelope)).toMatchObject({
      did: "opened-request",
      acknowledged: false,
    });
    const stop = letter({ from: umlaut, ...unsubscribe });
    expect(await setting.arrive(stop, unsubscribe.to, { mailFrom: umlaut })).toEqual({
      did: "ignored",
      because: "unreachable",
    });
    expect(setting.post.messages).toEqual([]);
  });
});

describe("an inbox that answers with a topic that answers nobody", () => {
  it.each(["news", "no-topic-of-the-policy"])("says which option to mend: %s", async (topic) => {
    const setting = await inboxSetting({ answers: { ...answers, topic: topic as "news" } });
    await expect(setting.arrive(letter(unsubscribe))).rejects.toMatchObject({
      code: "answers-topic",
      message: expect.stringMatching(/`answers\.topic`.*transactional or legal/),
    });
  });
});

describe("an inbox that cannot answer now", () => {
  it("says so, so that the mail comes again, and asks then", async () => {
    const setting = await inboxSetting({ faults: [{ at: "rcpt", answer: "451 4.3.0 Later", times: 1 }] });
    const raw = letter(unsubscribe);
    await expect(setting.arrive(raw)).rejects.toMatchObject({ code: "answer-not-sent" });
    setting.pass(24 * 3_600_000);
    expect(await setting.arrive(raw)).toEqual({ did: "asked-to-confirm" });
  });
});

describe("an inbox", () => {
  it("takes mail for its addresses, tagged or not, and for what returns", async () => {
    const { inbox } = await inboxSetting();
    const tag = "a".repeat(26);
    for (const address of [
      "Webmaster@ACME.example",
      "stop+x.y@acme.example",
      `b+${tag}@bounces.acme.example`,
    ])
      expect([address, inbox.serves(address)]).toEqual([address, true]);
    for (const address of [
      "other@acme.example",
      "b@bounces.acme.example",
      `c+${tag}@bounces.acme.example`,
      "stop@else.example",
      "x",
      "",
    ])
      expect([address, inbox.serves(address)]).toEqual([address, false]);
  });

  it("tells an address with a tag of its own from the same without", async () => {
    const tagged = { "privacy@acme.example": "rights", "privacy+stop@acme.example": "unsubscribe" } as const;
    const setting = await inboxSetting({ addresses: tagged });
    for (const [to, did] of [
      ["privacy+stop@acme.example", "unsubscribed"],
      ["privacy+other@acme.example", "case"],
    ] as const) {
      const raw = await sign(letter({ to, subject: "" }), undefined, "from:to:message-id");
      expect(await setting.arrive(raw, to)).toMatchObject({ did });
    }
  });

  it("leaves mail to other addresses alone", async () => {
    const setting = await inboxSetting();
    expect(await setting.arrive(await sign(letter(unsubscribe)), "other@acme.example")).toEqual({
      did: "ignored",
      because: "not-served",
    });
    expect(await setting.gets()).toEqual(everything);
  });

  it("does not take for its writer's words what they quote, or sign with", async () => {
    const setting = await inboxSetting();
    const to = "stop@acme.example";
    for (const text of [
      "> unsubscribe",
      "-- \nTo unsubscribe write to us",
      "Acme wrote:\nunsubscribe here",
      "Thanks!\nTo unsubscribe, reply",
    ]) {
      const raw = await sign(letter({ to, subject: "Hello", text }));
      expect(await setting.arrive(raw, to)).toEqual({ did: "kept", because: "no-wish" });
    }
    expect(await setting.gets()).toEqual(everything);
  });

  it("takes the subject of a reply for what it replies to", async () => {
    const setting = await inboxSetting();
    const to = "stop@acme.example";
    const reply = {
      to,
      subject: "Sv: Vill du avsluta prenumerationen från Acme?",
      head: "In-Reply-To: <q@acme.example>\n",
    };
    expect(await setting.arrive(await sign(letter({ ...reply, text: "Nej." })), to)).toEqual({
      did: "kept",
      because: "no-wish",
    });
    expect(await setting.gets()).toEqual(everything);
    expect(await setting.arrive(await sign(letter(reply)), to)).toMatchObject({ did: "kept" });
    const yes = await sign(letter({ ...reply, text: "Avsluta." }));
    expect(await setting.arrive(yes, to)).toMatchObject({ did: "unsubscribed" });
  });

  it("reads html as people see it", async () => {
    const setting = await inboxSetting();
    const raw = letter({
      subject: "Hello",
      text: "<div>Hi,</div><div><b>unsubscribe</b> me</div><blockquote>x</blockquote>",
    })
      .toString()
      .replace("text/plain", "text/html");
    expect(await setting.arrive(await sign(Buffer.from(raw)))).toMatchObject({ did: "unsubscribed" });
  });

  it("gives nested and large mail to people, in little time", async () => {
    const setting = await inboxSetting({ maxBytes: 12 * 1024 * 1024 });
    const to = "data-protection@acme.example";
    const deep = Array.from(
      { length: 50 },
      (_, n) => `Content-Type: multipart/mixed; boundary=b${n}\n\n--b${n}\n`,
    ).join("");
    const nested = Buffer.from(`From: ${anna}\nTo: ${to}\nSubject: hi\n${deep}`.replaceAll("\n", "\r\n"));
    expect(await setting.arrive(nested, to)).toEqual({ did: "kept", because: "unreadable" });

    let inner = "From: x@y.example\r\nSubject: delete my data\r\n\r\nunsubscribe\r\n";
    for (let n = 0; n < 50; n += 1)
      inner = `From: x@y.example\r\nSubject: unsubscribe\r\nContent-Type: message/rfc822\r\n\r\n${inner}`;
    const letters = Buffer.from(
      `From: ${anna}\r\nTo: ${to}\r\nSubject: hello\r\nContent-Type: message/rfc822\r\n\r\n${inner}`,
    );
    expect(await setting.arrive(letters, to)).toMatchObject({ did: "case" });

    const large = Buffer.concat([
      letter({ to, subject: "Delete my data" }),
      Buffer.alloc(10 * 1024 * 1024, "x\r\n"),
    ]);
    // Read as a whole it takes longer than a test may.
    expect(await setting.arrive(large, to)).toMatchObject({ did: "opened-request" });
    const tooLarge = Buffer.concat([large, large]);
    expect(await setting.arrive(tooLarge, to)).toEqual({ did: "kept", because: "too-large" });
    expect(setting.kept.at(-1)?.raw).toBe(tooLarge);
    expect(await setting.gets()).toEqual(everything);
  });

  it("takes two mails that have no id for two", async () => {
    const setting = await inboxSetting({ unverified: "unsubscribe" });
    const one = letter({ ...unsubscribe, id: "" });
    await setting.arrive(one);
    setting.pass(60_000);
    await setting.know(anna);
    await setting.arrive(one);
    expect(await setting.gets()).toEqual(everything);
    await setting.arrive(letter({ ...unsubscribe, id: "", text: "Again, please." }));
    expect(await setting.gets()).toEqual([]);

    const to = "data-protection@acme.example";
    for (const subject of ["One question", "Another one"])
      await setting.arrive(letter({ to, id: "", subject }), to);
    expect(new Set(setting.kept.map(({ about }) => about.id)).size).toBe(2);
  });

  it("gives to people what is no report after all, where people ask for their rights", async () => {
    const setting = await inboxSetting();
    const to = "data-protection@acme.example";
    const status = "Content-Type: message/delivery-status\n\nReporting-MTA: dns; a.example\n\nAction: failed";
    const text = `--x\n\nDelete my data. My last mail came back, see below.\n--x\n${status}\n\n--x--`;
    const raw = letter({ to, subject: "Delete my data", text })
      .toString()
      .replace("text/plain; charset=utf-8", "multipart/mixed; boundary=x");
    expect(await setting.arrive(Buffer.from(raw), to)).toEqual({ did: "kept", because: "automatic" });
    expect(setting.kept).toHaveLength(1);
  });

  it("tells its log nothing personal", async () => {
    const setting = await inboxSetting();
    const token = await tokenOf(setting);
    await setting.arrive(letter(unsubscribe));
    await setting.arrive(
      letter({ to: "data-protection@acme.example", subject: "Delete my data canary" }),
      "data-protection@acme.example",
    );
    await setting.arrive(letter({ subject: token }));
    expect(setting.told).toHaveLength(3);
    expect(setting.told.join()).not.toMatch(/canary|sender\.example|@/i);
    expect(setting.told.join()).not.toContain(token);
  });

  it.each([
    [{ addresses: { "not an address": "rights" } }, /addresses/],
    [{ addresses: { "a@b.example": "everything" } }, /addresses/],
    [{ addresses: { "a@b.example": { right: "withdrawal" } } }, /addresses/],
    [{ keep: undefined }, /heed keeps no mail/],
    [{ unverified: "erase" }, /unverified/],
    [{ adresses: {} }, /adresses/],
    [
      {
        answers: {
          topic: "answers",
          controller: "Acme",
          contact: "a@b.example",
          unsubscribeUrl: "https://a.example/u",
          invitationUrl: "https://a.example/i?x",
        },
      },
      /no query/,
    ],
    [
      { answers: { ...answers, unsubscribeUrl: "http://acme.example/u" } },
      /answers\.unsubscribeUrl: it is not https/,
    ],
    [{ answers: { ...answers, invitationUrl: "/i" } }, /answers\.invitationUrl: it is not a URL/],
    [{ answers: { ...answers, contact: "Acme" } }, /contact: not an address/],
    [{ answers: { ...answers, language: {} } }, /catalogue/],
  ])("refuses options that cannot be used: %j", async (wrong, said) => {
    await expect(inboxSetting(wrong as never)).rejects.toThrow(said);
  });

  it("throws nothing but heed's own errors and does nothing for anybody, whatever comes", async () => {
    const setting = await inboxSetting();
    const fields = fc.constantFrom(
      "From",
      "To",
      "Subject",
      "Message-ID",
      "Content-Type",
      "Auto-Submitted",
      "DKIM-Signature",
      "Received",
      "Reply-To",
    );
    const words = fc.constantFrom(
      anna,
      `<${anna}>`,
      "unsubscribe",
      "delete my data",
      "multipart/report; boundary=b",
      "multipart/mixed; boundary=b",
      "message/delivery-status",
      "=?utf-8?q?unsubscribe?=",
      "v=1; a=rsa-sha256; d=sender.example; s=s1; h=from:to:subject:message-id; b=; bh=",
      "webmaster@acme.example",
      "\u{1F600}",
      "--b",
      "Action: failed",
      "Status: 5.1.1",
      "\0",
    );
    const value = fc
      .array(fc.oneof(words, fc.string({ unit: "binary", maxLength: 20 })), { maxLength: 4 })
      .map((parts) => parts.join(" "));
    const head = fc.array(fc.tuple(fields, value), { maxLength: 10 });
    const body = fc.array(value, { maxLength: 6 }).map((lines) => lines.join("\r\n"));
    const mails = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc
        .tuple(head, body)
        .map(([head, body]) =>
          Buffer.from(`${head.map(([name, value]) => `${name}: ${value}`).join("\r\n")}\r\n\r\n${body}`),
        ),
    );
    const envelopes = fc.record({
      mailFrom: fc.oneof(words, fc.string()),
      rcptTo: fc.array(fc.oneof(fc.constantFrom(...Object.keys(addresses)), fc.string()), { maxLength: 3 }),
      helo: fc.string(),
      remoteIp: fc.oneof(fc.ipV4(), fc.string()),
    });
    await fc.assert(
      fc.asyncProperty(mails, envelopes, async (raw, envelope) => {
        setting.pass(1000);
        await setting.inbox.handleInbound(raw, envelope);
      }),
      { numRuns: 300 },
    );
    expect(await setting.gets()).toEqual(everything);
    await setting.heed.work.drain();
    expect(setting.people.has(anna)).toBe(true);
    expect(setting.reports).toEqual([]);
    expect(setting.post.messages.every(({ envelope }) => envelope.to.join() === anna)).toBe(true);
  });
});
