import { inspect } from "node:util";
import { describe, expect, it, vi } from "vitest";
import { PermitBook } from "../test/permit-book.ts";
import { anna, judge, keys, newsletter, receipt, setting } from "../test/setting.ts";
import { createMailer, UnrecordedOutcomeError } from "./index.ts";

const headersNamed = (
  message: { headers: readonly { name: string; value: string }[] } | undefined,
  name: string,
) => message?.headers.filter((header) => header.name === name).map(({ value }) => value);

describe("send", () => {
  it("hands a marketing message over with its way out, signed", async () => {
    const { post, book, mailer } = await setting();
    const outcome = await mailer.send(newsletter);

    const [message] = post.messages;
    const link = "https://acme.example/u/k1.Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV41";
    expect(message?.envelope).toEqual({ from: "news@acme.example", to: [anna] });
    expect(headersNamed(message, "to")).toEqual([anna]);
    expect(headersNamed(message, "list-unsubscribe")).toEqual([
      `<${link}>, <mailto:stop@acme.example?subject=${link.slice(23)}>`,
    ]);
    expect(headersNamed(message, "list-unsubscribe-post")).toEqual(["List-Unsubscribe=One-Click"]);
    expect(headersNamed(message, "auto-submitted")).toEqual([]);
    expect(message?.text?.trim()).toBe(`Hi.\nStop: ${link}`);
    expect(message?.html).toContain(`<a href="${link}">`);
    expect(await judge(message?.raw ?? "")).toBe("pass");
    expect(outcome).toEqual({
      status: "accepted",
      messageId: headersNamed(message, "message-id")?.[0],
      queueId: message?.queueId,
    });
    expect(book.entries).toMatchObject([{ state: "handing-over", outcome: "accepted" }]);
  });

  it("sends what is not marketing as a system's own mail, without a way out", async () => {
    const { post, mailer } = await setting();
    await mailer.send(receipt);
    expect(headersNamed(post.messages[0], "auto-submitted")).toEqual(["auto-generated"]);
    expect(post.messages[0]?.raw.toString()).not.toMatch(/^list-/im);
    expect(await judge(post.messages[0]?.raw ?? "")).toBe("pass");
  });

  it("escapes the link in html", async () => {
    const { post, mailer } = await setting(
      {},
      { unsubscribe: { url: (token) => `https://acme.example/u?a=1&t=${token}` } },
    );
    await mailer.send(newsletter);
    expect(post.messages[0]?.html).toContain('href="https://acme.example/u?a=1&amp;t=k1.');
    expect(post.messages[0]?.text).toContain("https://acme.example/u?a=1&t=k1.");
    expect(headersNamed(post.messages[0], "list-unsubscribe")?.[0]).toMatch(
      /^<https:\/\/acme\.example\/u\?a=1&t=k1\.\w+>$/,
    );
  });

  it("writes an address to unsubscribe at so that a URI can hold it", async () => {
    const mailto = "stop?now&100%@acme.example";
    const { post, mailer } = await setting({}, { unsubscribe: { url: "https://acme.example/u", mailto } });
    await mailer.send(newsletter);
    const [, written = ""] = headersNamed(post.messages[0], "list-unsubscribe")?.[0]?.split(", ") ?? [];
    const { pathname, searchParams } = new URL(written.slice(1, -1));
    expect([decodeURIComponent(pathname), [...searchParams.keys()]]).toEqual([mailto, ["subject"]]);
  });

  it("sends to an international domain by its A-label", async () => {
    const { post, mailer } = await setting();
    await mailer.send({ ...receipt, to: "anna@Exämple.example" });
    expect(post.search("RCPT TO:<anna@xn--exmple-cua.example>")).toEqual(["session"]);
    expect(headersNamed(post.messages[0], "to")).toEqual(["anna@xn--exmple-cua.example"]);
  });

  it.each(["a\nb\nc", "a\r\nb\r\nc", "a\rb\rc", "å\rb\r\nc"])("signs %j as it arrives", async (text) => {
    const { post, mailer } = await setting();
    await mailer.send({ ...receipt, message: { ...receipt.message, text, html: text } });
    const lines = text.split(/\r\n|\r|\n/);
    expect(post.messages[0]?.text?.trimEnd().split(/\r?\n/)).toEqual(lines);
    expect(await judge(post.messages[0]?.raw ?? "")).toBe("pass");
  });

  it("sends nothing to someone who opted out", async () => {
    const { post, book, mailer } = await setting();
    book.optOut(anna);
    expect(await mailer.send(newsletter)).toEqual({ status: "blocked", because: "suppressed" });
    expect(post.connections).toBe(0);
  });

  it("sends a message key once", async () => {
    const { post, mailer } = await setting();
    await mailer.send(newsletter);
    expect(await mailer.send(newsletter)).toEqual({ status: "blocked", because: "already-sent" });
    expect(post.messages).toHaveLength(1);
  });
});

describe("send, when the person says no in the meantime", () => {
  it.each(["take", "handOver"] as const)("lets nothing out after a no at %s", async (moment) => {
    const { post, book, mailer } = await setting();
    book.interrupt[moment] = () => book.optOut(anna);
    expect(await mailer.send(newsletter)).toEqual({ status: "blocked", because: "suppressed" });
    expect(post.messages).toEqual([]);
    expect(post.search("MAIL FROM")).toEqual([]);
    expect(post.search("anna.canary")).toEqual([]);
  });

  it("lets nothing out after a no while it waits for its turn", async () => {
    const { post, book, mailer } = await setting({}, { transport: { connections: 1 } });
    const first = mailer.send({ ...newsletter, to: "first@dest.example" });
    const second = mailer.send(newsletter);
    book.optOut(anna);
    expect(await first).toMatchObject({ status: "accepted" });
    expect(await second).toEqual({ status: "blocked", because: "suppressed" });
    expect(post.search("anna.canary")).toEqual([]);
  });

  it("takes no permit before its turn, so that no permit grows old in a queue", async () => {
    const { book, mailer } = await setting({}, { transport: { connections: 2 } });
    let most = 0;
    book.interrupt.handOver = () => {
      most = Math.max(most, book.entries.filter(({ outcome }) => outcome === undefined).length);
    };
    await Promise.all(
      Array.from({ length: 20 }, (_, index) => mailer.send({ ...receipt, to: `p${index}@dest.example` })),
    );
    expect(most).toBe(2);
  });

  it("has asked for leave before the server hears of the message, at whatever moment the no comes", async () => {
    const { post, book, mailer } = await setting();
    const people = Array.from({ length: 60 }, (_, index) => `p${index}@dest.example`);
    let moment = 0;
    const somebodySaysNo = (): void => book.optOut(people[(moment++ * 37) % people.length] ?? "");
    Object.assign(book.interrupt, { take: somebodySaysNo, handOver: somebodySaysNo });
    const outcomes = await Promise.all(people.map((to) => mailer.send({ ...newsletter, to })));
    for (const [index, to] of people.entries()) {
      const handedOver = book.entries.find(({ email }) => email === to)?.state === "handing-over";
      expect(outcomes[index]?.status).toBe(handedOver ? "accepted" : "blocked");
      expect(post.search(`<${to}>`).length > 0).toBe(handedOver);
    }
    expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(["accepted", "blocked"]));
  });
});

describe("send, when something cannot be used", () => {
  it.each([
    ["no link at all", { text: "Hi." }],
    ["no link in the text", { text: "Hi.", html: "<p>{{unsubscribe}}</p>" }],
    ["no link in the html", { text: "{{unsubscribe}}", html: "<p>Hi.</p>" }],
    ["a link that no reader sees", { text: "{{unsubscribe}}", html: "<p>Hi.</p><!-- {{unsubscribe}} -->" }],
  ])("refuses a marketing message with %s", async (_what, parts) => {
    const { post, book, mailer } = await setting();
    await expect(
      mailer.send({ ...newsletter, message: { subject: "News", ...parts } }),
    ).rejects.toMatchObject({
      name: "InvalidInputError",
    });
    expect(book.entries.filter(({ outcome }) => outcome !== "not-sent")).toEqual([]);
    expect(post.connections).toBe(0);
  });

  it("refuses a way out that leads nowhere", async () => {
    const { post, mailer } = await setting();
    const message = { ...receipt.message, text: "Stop: {{unsubscribe}}" };
    await expect(mailer.send({ ...receipt, message })).rejects.toMatchObject({ code: "no-unsubscribe-link" });
    expect(post.connections).toBe(0);
  });

  it.each([
    ["raw", { message: { ...newsletter.message, raw: "From: x" } }],
    ["attachments", { message: { ...newsletter.message, attachments: [{ path: "/etc/passwd" }] } }],
    ["cc", { message: { ...newsletter.message, cc: "eve@dest.example" } }],
    ["bcc", { bcc: "eve@dest.example" }],
    ["envelope", { envelope: { to: ["eve@dest.example"] } }],
    ["dkim", { message: { ...newsletter.message, dkim: {}, _dkim: { skipFields: "from" } } }],
    ["list", { message: { ...newsletter.message, list: { unsubscribe: "https://evil.example" } } }],
    ["a file as html", { message: { ...newsletter.message, html: { path: "/etc/passwd" } } }],
    [
      "a prepared header",
      {
        message: { ...newsletter.message, headers: { "X-A": { prepared: true, value: "1\r\nBcc: e@x.y" } } },
      },
    ],
    ["no message key", { messageKey: "" }],
    ["a message key of 257 characters", { messageKey: "k".repeat(257) }],
    [
      "a line break in the subject",
      { message: { ...newsletter.message, subject: "a\r\nBcc: eve@dest.example" } },
    ],
  ])("refuses %s before it takes a permit", async (_what, change) => {
    const { post, book, mailer } = await setting();
    // @ts-expect-error -- what the compiler refuses, a caller without one can still pass
    const sending = mailer.send({ ...newsletter, ...change });
    await expect(sending).rejects.toMatchObject({ name: "InvalidInputError" });
    expect([book.entries, post.connections]).toEqual([[], 0]);
  });

  it("refuses to work without permits", () => {
    // @ts-expect-error -- see above
    expect(() => createMailer({})).toThrow(TypeError);
  });

  it("refuses a marketing permit that has no token", async () => {
    const { post, mailer } = await setting(
      {},
      {
        permits: {
          take: async () => ({
            allowed: true,
            class: "marketing",
            signal: new AbortController().signal,
            handOver: async () => true,
            settle: async () => {},
          }),
        },
      },
    );
    await expect(mailer.send(newsletter)).rejects.toThrow(TypeError);
    expect(post.messages).toEqual([]);
  });
});

describe("send, when the permits fail", () => {
  it("sends nothing when leave cannot be had", async () => {
    const { post, book, mailer } = await setting();
    book.interrupt.handOver = () => Promise.reject(new Error("database is gone"));
    await expect(mailer.send(newsletter)).rejects.toThrow("database is gone");
    expect(post.search("MAIL FROM")).toEqual([]);
    expect(book.entries).toMatchObject([{ outcome: "not-sent" }]);
  });

  it("tells the outcome when it could not be recorded", async () => {
    const { post, book, mailer } = await setting();
    book.interrupt.settle = () => Promise.reject(new Error(`no room for ${anna}`));
    const error: unknown = await mailer.send(newsletter).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UnrecordedOutcomeError);
    expect(error).toMatchObject({ outcome: { status: "accepted" }, code: "outcome-not-recorded" });
    expect(inspect(error, { depth: null })).not.toMatch(/canary/i);
    expect(post.messages).toHaveLength(1);
  });
});

describe("what it tells", () => {
  it("names nobody, whatever the server says", async () => {
    const told: unknown[] = [];
    const said = (["log", "info", "warn", "error", "debug"] as const).map((name) => vi.spyOn(console, name));
    const logger = {
      info: (...line: unknown[]) => told.push(line),
      warn: (...line: unknown[]) => told.push(line),
    };
    const quote = `<${anna}>: canary says no`;
    for (const at of ["connect", "ehlo", "mail", "rcpt", "data", "content", "final-dot"] as const) {
      for (const code of ["550 5.1.1", "450 4.2.1", "421 4.3.2"]) {
        const { mailer } = await setting({ faults: [{ at, answer: `${code} ${quote}` }] }, { logger });
        told.push(await mailer.send(newsletter));
      }
    }
    const { mailer } = await setting({}, { logger });
    told.push(await mailer.send(newsletter).catch((error: unknown) => error));
    for (const to of [`${anna}\r\n`, `${anna}, eve@dest.example`, `Anna <${anna}>`]) {
      told.push(await mailer.send({ ...newsletter, to }).catch((error: unknown) => error));
    }
    expect(told.length).toBeGreaterThan(40);
    expect(said.flatMap(({ mock }) => mock.calls)).toEqual([]);
    expect(inspect(told, { depth: null, maxArrayLength: null, showHidden: true })).not.toMatch(/canary/i);
  });

  it("logs no topic that the policy does not know", async () => {
    const lines: unknown[] = [];
    const mailer = createMailer({
      permits: { take: async () => ({ allowed: false, because: "topic-not-covered" }) },
      transport: { host: "localhost" },
      from: "news@acme.example",
      dkim: { domain: "acme.example", selector: "s1", privateKey: keys.privateKey },
      unsubscribe: { url: "https://acme.example/u" },
      logger: { info: (...line) => lines.push(line), warn: (...line) => lines.push(line) },
    });
    await mailer.send({ ...newsletter, topic: "canary@example.org" });
    expect(lines).toEqual([[{ status: "blocked", because: "topic-not-covered" }, "mail blocked"]]);
  });

  it("logs each message's topic and outcome", async () => {
    const lines: unknown[] = [];
    const logger = {
      info: (fields: object, text: string) => lines.push(["info", fields, text]),
      warn: (fields: object, text: string) => lines.push(["warn", fields, text]),
    };
    const { mailer } = await setting(
      { faults: [{ at: "rcpt", answer: "550 5.1.1 No", times: 1 }] },
      { logger },
    );
    await mailer.send(newsletter);
    await mailer.send({ ...newsletter, messageKey: "2026-12" });
    expect(lines).toMatchObject([
      [
        "warn",
        { topic: "news", status: "rejected", kind: "recipient", code: 550, enhanced: "5.1.1" },
        "mail rejected",
      ],
      ["info", { topic: "news", status: "accepted" }, "mail accepted"],
    ]);
  });
});

describe("createMailer", () => {
  const dkim = { domain: "acme.example", selector: "s1", privateKey: keys.privateKey };
  const options = {
    permits: new PermitBook(),
    transport: { host: "localhost" },
    from: "news@acme.example",
    dkim,
    unsubscribe: { url: "https://acme.example/u" },
  };

  it.each([
    ["an unknown option", { sendMail: true }],
    ["an unknown transport option", { transport: { host: "localhost", url: "smtp://x" } }],
    ["a From list", { from: "a@acme.example, b@acme.example" }],
    [
      "a From name with a line break",
      { from: { name: "A\r\nBcc: eve@x.example", address: "a@acme.example" } },
    ],
    [
      "a helper who is no address",
      { lists: { domain: "acme.example", help: "a@b.example>, <https://evil.example" } },
    ],
    ["an owner who is none", { lists: { domain: "acme.example", owner: "" } }],
    ["a base with a fragment", { unsubscribe: { url: "https://acme.example/#u" } }],
    ["a base with a query", { unsubscribe: { url: "https://acme.example/u?t=" } }],
    [
      "a mailto that is no address",
      { unsubscribe: { url: "https://acme.example/u", mailto: "a@b.example>, <https://evil.example" } },
    ],
    ["a selector that is no name", { dkim: { ...dkim, selector: "s1; d=evil.example" } }],
  ])("refuses %s", (_what, change) => {
    expect(() => createMailer(options)).not.toThrow();
    expect(() => createMailer({ ...options, ...change })).toThrow(/cannot be used|cannot be read/);
  });

  it.each([
    ["unsubscribe.url", "string", { unsubscribe: {} }],
    ["unsubscribe.url", "string", { unsubscribe: { url: 5 } }],
    ["dkim", "object", { dkim: undefined }],
    ["dkim.selector", "string", { dkim: { ...dkim, selector: undefined } }],
    ["dkim.other", "object", { dkim: { marketing: dkim } }],
    ["dkim.other.domain", "string", { dkim: { marketing: dkim, other: { ...dkim, domain: undefined } } }],
    ["from.address", "string", { from: { name: "Acme" } }],
  ])("says that %s takes a %s, where an option has several forms", (path, type, change) => {
    expect(() => createMailer({ ...options, ...change } as never)).toThrow(
      new RegExp(`: ${path}: Invalid input: expected ${type}, received \\w+$`),
    );
  });
});
