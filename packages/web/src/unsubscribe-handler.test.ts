import { HeedError } from "@heed/core/contract";
import { request as rawRequest } from "node:http";
import { connect } from "node:net";
import { inspect } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  listen,
  swedish,
  unsubscribeHandler,
  type UnsubscribeHandlerOptions,
  type UnsubscribeLink,
  type UnsubscribeLinks,
} from "./index.ts";

const token = "k1.Zm9vYmFyYmF6cXV4-_9";

type Body = NonNullable<ConstructorParameters<typeof Response>[0]>;

/** A ledger of choices that may be out of reach. */
class Ledger implements UnsubscribeLinks {
  readonly choices: { token: string; scope: string }[] = [];
  readonly opened: string[] = [];
  down = false;
  /** Lets a choice wait before it is recorded. */
  pause: Promise<void> | undefined;

  async open(asked: string): Promise<{ topic: string } | undefined> {
    this.opened.push(asked);
    return asked === token ? { topic: "product-news" } : undefined;
  }

  async unsubscribe(ask: { token: string; scope: "topic" | "all" }): Promise<{ changed: boolean }> {
    await this.pause;
    if (this.down) throw Object.assign(new Error(`no disk for ${ask.token}`), { code: "EIO" });
    const changed = !this.choices.some(({ scope }) => scope === ask.scope);
    this.choices.push(ask);
    return { changed };
  }
}

async function setting(options: Partial<UnsubscribeHandlerOptions> = {}) {
  const ledger = new Ledger();
  const handler = unsubscribeHandler({
    links: ledger,
    controller: "Acme & Söner",
    contact: "privacy@acme.example",
    titles: { "product-news": "Product <News>" },
    ...options,
  });
  const server = await listen(handler);
  onTestFinished(() => server.close());
  const link = `${server.url}/u/${token}`;
  const post = (body: Body, headers: Record<string, string> = {}, url = link): Promise<Response> =>
    fetch(url, { method: "POST", body, headers, redirect: "error" });
  return { ledger, url: server.url, link, post };
}

const form = (fields: Record<string, string>): URLSearchParams => new URLSearchParams(fields);
const pair = { "List-Unsubscribe": "One-Click" };
const oneClick = form(pair);
const topicOnce = [{ token, scope: "topic" }];

it("takes no option that it does not know", () => {
  const given = { links: new Ledger(), controller: "Acme AB", titels: {} };
  expect(() => unsubscribeHandler(given)).toThrow(/Did you mean `titles`\?/);
});

describe("GET and HEAD", () => {
  it.each([
    ["GET", {}],
    ["HEAD", {}],
    ["GET", { Purpose: "prefetch", "Sec-Purpose": "prefetch;prerender" }],
    ["GET", { "User-Agent": "link scanner", Cookie: "session=1" }],
  ])("%s shows the page and changes nothing (%j)", async (method, headers) => {
    const { ledger, link } = await setting();
    for (const url of [link, `${link}?action=stop`, `${link}?List-Unsubscribe=One-Click`, `${link}/`]) {
      const response = await fetch(url, { method, headers, redirect: "error" });
      expect(response.status).toBe(200);
      expect(await response.text()).toContain(method === "HEAD" ? "" : "<form");
    }
    expect(ledger.choices).toEqual([]);
  });

  it("answers HEAD without a body", async () => {
    const handler = unsubscribeHandler({ links: new Ledger(), controller: "Acme" });
    const ask = (method: string): Promise<Response> =>
      handler(new Request(`https://acme.example/u/${token}`, { method }));
    const [head, get] = [await ask("HEAD"), await ask("GET")];
    expect([head.status, await head.text()]).toEqual([200, ""]);
    expect(Object.fromEntries(head.headers)).toEqual(Object.fromEntries(get.headers));
  });

  it("shows a page that works without a script, and nothing of anybody else", async () => {
    const { link } = await setting();
    const response = await fetch(link);
    const page = await response.text();
    expect(page.match(/<h1>/g)).toHaveLength(1);
    expect(page).toMatch(/^<!doctype html>\s*<html lang="en" dir="ltr">/);
    expect(page).toMatch(/<form method="post">\s*<button name="action" value="stop">/);
    expect(page).toContain('<button class="other" name="action" value="stop-all">');
    expect(page).toContain("“Product &lt;News&gt;” from Acme &amp; Söner?");
    expect(page).not.toMatch(/<script|<img|https?:|mailto:|<News>/i);
  });

  it("keeps the token to itself", async () => {
    const { link } = await setting();
    const response = await fetch(link);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "cache-control": "no-store",
      "referrer-policy": "no-referrer",
      "x-robots-tag": "noindex",
      "x-content-type-options": "nosniff",
      "content-type": "text/html; charset=utf-8",
      vary: "Accept-Language",
    });
    const policy = response.headers.get("content-security-policy");
    expect(policy).toMatch(/default-src 'none'.*form-action 'self'.*base-uri 'none'.*frame-ancestors 'none'/);
    expect(response.headers.get("set-cookie")).toBeNull();
    expect(await response.text()).not.toContain(token);
  });

  it("says its style by the hash that its policy allows", async () => {
    const { link } = await setting();
    const response = await fetch(link);
    const style = /<style>([^<]*)<\/style>/.exec(await response.text())?.[1] ?? "";
    const digest = Buffer.from(
      await crypto.subtle.digest("SHA-256", new TextEncoder().encode(style)),
    ).toString("base64");
    expect(response.headers.get("content-security-policy")).toContain(`style-src 'sha256-${digest}'`);
  });
});

describe("a one-click POST", () => {
  const multipart = new FormData();
  multipart.set("List-Unsubscribe", "One-Click");
  const part = 'Content-Disposition: form-data; name="List-Unsubscribe"';
  const type = "multipart/form-data; boundary=b";

  it.each<[string, Body, Record<string, string>]>([
    ["urlencoded", oneClick, {}],
    [
      "urlencoded with a charset",
      "List-Unsubscribe=One-Click",
      { "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8" },
    ],
    ["as plain text", "List-Unsubscribe=One-Click", { "Content-Type": "text/plain" }],
    ["multipart", multipart, {}],
    [
      "multipart with a quoted boundary",
      `--b c\r\n${part}\r\n\r\nOne-Click\r\n--b c--\r\n`,
      { "Content-Type": 'multipart/form-data; boundary="b c"' },
    ],
    [
      "multipart with a typed part",
      `--b\r\n${part}\r\nContent-Type: text/plain\r\n\r\nOne-Click\r\n--b--\r\n`,
      { "Content-Type": type },
    ],
    ["multipart with LF only", `--b\n${part}\n\nOne-Click\n--b--\n`, { "Content-Type": type }],
    [
      "multipart without a boundary",
      `--b\r\n${part}\r\n\r\nOne-Click\r\n--b--\r\n`,
      { "Content-Type": "multipart/form-data" },
    ],
    ["with a cookie and a login", oneClick, { Cookie: "session=eve", Authorization: "Basic eA==" }],
    ["from another origin", oneClick, { Origin: "https://evil.example", "Sec-Fetch-Site": "cross-site" }],
    [
      "with fields that are none of its business",
      form({ ...pair, token: "k1.other", scope: "all", action: "stop-all" }),
      {},
    ],
  ])("unsubscribes from the topic: %s", async (_what, body, headers) => {
    const { ledger, post } = await setting();
    const response = await post(body, headers);
    expect([response.status, response.headers.get("set-cookie")]).toEqual([200, null]);
    expect(ledger.choices).toEqual(topicOnce);
  });

  it("is answered the same when it is repeated", async () => {
    const { ledger, post } = await setting();
    const answers = [];
    for (let times = 0; times < 3; times += 1) {
      const response = await post(oneClick);
      answers.push([response.status, await response.text()]);
    }
    expect(new Set(answers.map((answer) => JSON.stringify(answer)))).toEqual(
      new Set([JSON.stringify([200, "You are unsubscribed\n"])]),
    );
    expect(ledger.choices).toHaveLength(3);
  });

  it("is answered only after the choice was recorded", async () => {
    const { ledger, post } = await setting();
    let recorded: (() => void) | undefined;
    ledger.pause = new Promise((resolve) => (recorded = resolve));
    let answered = false;
    const response = post(oneClick).finally(() => (answered = true));
    while (ledger.opened.length === 0) await new Promise((resolve) => setImmediate(resolve));
    for (let turns = 0; turns < 100; turns += 1) await new Promise((resolve) => setImmediate(resolve));
    expect([answered, ledger.choices]).toEqual([false, []]);
    recorded?.();
    expect((await response).status).toBe(200);
    expect(ledger.choices).toEqual(topicOnce);
  });

  it("is never answered with 200 when the choice could not be recorded", async () => {
    const lines: unknown[] = [];
    const { ledger, post } = await setting({ logger: { warn: (...line) => lines.push(line) } });
    ledger.down = true;
    for (const body of [oneClick, form({ action: "stop" })]) {
      const response = await post(body);
      expect([response.status, response.headers.get("retry-after")]).toEqual([503, "60"]);
      expect(await response.text()).toContain("Not done yet");
    }
    const line = [{ error: "Error" }, "an unsubscribe link could not be answered"];
    expect(lines).toEqual([line, line]);
    expect(inspect(lines)).not.toContain(token);
    ledger.down = false;
    expect((await post(oneClick)).status).toBe(200);
  });

  it.each([
    [new HeedError("canary", { code: "busy" }), { error: "HeedError", code: "busy" }],
    [new HeedError("canary", { code: "canary@example.org" }), { error: "HeedError" }],
    [
      Object.assign(new HeedError("canary", { code: "busy" }), { name: "canary@example.org" }),
      { error: "Error" },
    ],
    [Object.assign(new Error("canary"), { name: "canary@example.org", code: "canary" }), { error: "Error" }],
    ["canary@example.org", { error: "Error" }],
  ])("tells the log names and codes of heed's own errors only (%#)", async (error, told) => {
    const lines: unknown[] = [];
    const handle = unsubscribeHandler({
      controller: "Acme",
      links: {
        open: async () => {
          throw error;
        },
        unsubscribe: async () => {},
      },
      logger: { warn: (...line) => lines.push(line) },
    });
    expect((await handle(new Request("https://acme.example/u/token"))).status).toBe(503);
    expect(lines).toEqual([[told, "an unsubscribe link could not be answered"]]);
  });

  it("is answered 1,000 times at once", async () => {
    const { ledger, post } = await setting();
    const responses = await Promise.all(Array.from({ length: 1000 }, () => post(oneClick)));
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([200]));
    expect(ledger.choices).toHaveLength(1000);
  });
});

describe("a POST from the page", () => {
  it.each([
    ["stop", "topic", "You will get no more “Product &lt;News&gt;” from Acme &amp; Söner."],
    ["stop-all", "all", "You will get no more newsletters and offers from Acme &amp; Söner."],
  ])(
    "action=%s records the scope %s and says what stopped and what still comes",
    async (action, scope, text) => {
      const { ledger, post } = await setting();
      const response = await post(form({ action }));
      const page = await response.text();
      expect(response.status).toBe(200);
      expect(page).toContain(`<p role="status">${text}</p>`);
      expect(page).toContain("your account");
      expect(ledger.choices).toEqual([{ token, scope }]);
    },
  );
});

describe("what the page names", () => {
  const lists = [
    { topic: "product-news", title: "Product news" },
    { topic: "offers", title: "Offers & more" },
  ];
  const link = { topic: "product-news", title: "Product news", lists };
  const ask = async (about: UnsubscribeLink, fields?: Record<string, string>, options: object = {}) => {
    const links = { open: async () => about, unsubscribe: async () => {} };
    const handler = unsubscribeHandler({ links, controller: "Acme", ...options });
    const body = fields === undefined ? {} : { method: "POST", body: form(fields) };
    return (await handler(new Request(`https://acme.example/u/${token}`, body))).text();
  };
  const namesIn = (page: string) => [...page.matchAll(/<li>([^<]*)<\/li>/g)].map(([, name]) => name?.trim());

  it("is one list, all lists, and what still comes", async () => {
    const page = await ask({ ...link, stillComes: [{ topic: "receipts", title: "Receipts" }] });
    expect(page).toContain("Stop “Product news”");
    expect(namesIn(page)).toEqual(["Product news", "Offers &amp; more", "Receipts"]);
    expect(page.indexOf("This still comes from Acme")).toBeGreaterThan(page.indexOf("Offers &amp; more"));
    expect(page).not.toContain("your orders");
  });

  it("is what still comes, once it is done", async () => {
    const about = { ...link, stillComes: [{ topic: "receipts", title: "Receipts" }] };
    expect(namesIn(await ask(about, { action: "stop" }))).toEqual(["Receipts"]);
    const all = namesIn(await ask(about, { action: "stop-all" }));
    expect(all).toEqual(["Product news", "Offers &amp; more", "Receipts"]);
  });

  it("is nothing that still comes, where nothing does", async () => {
    const page = await ask({ ...link, stillComes: [] });
    expect(page).not.toContain("still come");
  });

  it("is told in general where the link does not say", async () => {
    const page = await ask({ topic: "product-news" });
    expect([namesIn(page), page.includes("your orders")]).toEqual([[], true]);
  });

  it("is called as the application says", async () => {
    const page = await ask(link, undefined, { titles: { "product-news": "News of ours" } });
    expect(page).toContain("Stop “News of ours”");
    expect(namesIn(page)).toEqual(["News of ours", "Offers &amp; more"]);
  });

  it("is called in the language of the page, and as the link says where nobody said it in that", async () => {
    const titles = {
      "product-news": { en: "our news", sv: "våra nyheter" },
      offers: { sv: "erbjudanden" },
      receipts: "Kvitton / Receipts",
    };
    const about = { ...link, stillComes: [{ topic: "receipts", title: "Receipts" }] };
    const inSwedish = { titles, languages: [swedish] };
    const page = await ask(about, undefined, inSwedish);
    expect(namesIn(page)).toEqual(["våra nyheter", "erbjudanden", "Kvitton / Receipts"]);
    expect(page).toContain("Vill du sluta få ”våra nyheter”");
    expect(await ask(about, { action: "stop" }, inSwedish)).toContain("Du får inte längre ”våra nyheter”");
    expect(namesIn(await ask(about, undefined, { titles }))).toEqual([
      "our news",
      "Offers &amp; more",
      "Kvitton / Receipts",
    ]);
  });

  it("is everything, with one button for it, where the link is about everything", async () => {
    const page = await ask({ ...link, topic: "all", title: "everything" });
    expect(page.match(/<button/g)).toHaveLength(1);
    expect(page).toContain("Do you want to stop getting all newsletters and offers from Acme?");
    expect(await ask({ ...link, topic: "all" }, { action: "stop" })).toContain(
      "You will get no more newsletters and offers",
    );
  });
});

describe("the reader's language", () => {
  it.each([
    ["the question", {}, "Vill du sluta få"],
    ["the result", { method: "POST", body: form({ action: "stop" }) }, "Du får inte längre"],
    ["the one-click answer", { method: "POST", body: oneClick }, "Du är avanmäld"],
  ])("is spoken by %s", async (_what, how, words) => {
    const { link } = await setting();
    const response = await fetch(`${link}?lang=sv`, how);
    expect(await response.text()).toContain(words);
  });

  it("is spoken when the link does not work, and when nothing could be saved", async () => {
    const { ledger, url, post } = await setting();
    const headers = { "Accept-Language": "sv" };
    expect(await (await fetch(`${url}/u/forged`, { headers })).text()).toContain("Länken fungerar inte");
    ledger.down = true;
    expect(await (await post(oneClick, headers)).text()).toContain("Inte klart än");
  });
});

describe("what cannot be read", () => {
  it.each<[string, number, Body, Record<string, string>]>([
    ["an empty body", 400, "", {}],
    ["another wish", 400, form({ action: "subscribe" }), {}],
    [
      "two wishes",
      400,
      new URLSearchParams([
        ["action", "stop"],
        ["action", "stop-all"],
      ]),
      {},
    ],
    ["another value", 400, form({ "List-Unsubscribe": "one-click" }), {}],
    [
      "two values",
      400,
      new URLSearchParams([
        ["List-Unsubscribe", "One-Click"],
        ["List-Unsubscribe", "No"],
      ]),
      {},
    ],
    [
      "JSON",
      400,
      JSON.stringify({ "List-Unsubscribe": "One-Click", action: "stop" }),
      { "Content-Type": "application/json" },
    ],
    ["the pair as another type", 400, "List-Unsubscribe=One-Click", { "Content-Type": "application/json" }],
    ["the pair as a file", 400, fileForm(), {}],
    ["10 kB", 413, form({ ...pair, filler: "x".repeat(10_000) }), {}],
    ["eleven fields", 413, Array(11).fill("List-Unsubscribe=One-Click").join("&"), {}],
  ])("is refused, and changes nothing: %s", async (_what, status, body, headers) => {
    const { ledger, post } = await setting();
    expect((await post(body, headers)).status).toBe(status);
    expect([ledger.choices, ledger.opened]).toEqual([[], []]);
  });

  it("is read in little time, however it was made", { timeout: 5_000 }, async () => {
    const { ledger, post } = await setting();
    const body = `content-disposition:name=${"a".repeat(4000)}\n${"x\n".repeat(2000)}`;
    for (let time = 0; time < 30; time += 1)
      expect((await post(body, { "Content-Type": "multipart/form-data" })).status).toBe(400);
    expect(ledger.opened).toEqual([]);
  });

  it("is refused when it is sent in pieces without a length", async () => {
    const { ledger, link } = await setting();
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const request = rawRequest(link, {
        method: "POST",
        headers: { "Content-Type": "application/x-www-form-urlencoded" },
      });
      request.on("response", (response) => resolve(response.resume().statusCode)).on("error", reject);
      request.write("List-Unsubscribe=One-Click&x=");
      for (let piece = 0; piece < 10; piece += 1) request.write("x".repeat(1000));
      request.end();
    });
    expect([status, ledger.choices]).toEqual([413, []]);
  });

  it("is refused by the length that it announces, before it comes", async () => {
    const { ledger, url } = await setting({ bodyTimeoutMs: 60_000 });
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(Number(new URL(url).port), "127.0.0.1");
      socket.on("data", (data) => resolve(data.toString().split("\r\n")[0] ?? "")).on("error", () => {});
      socket.write(`POST /u/${token} HTTP/1.1\r\nHost: x\r\nContent-Length: 8193\r\n\r\n`);
      onTestFinished(() => void socket.destroy());
    });
    expect([answer, ledger.choices]).toEqual([expect.stringMatching(/^HTTP\/1\.1 413/), []]);
  });

  it("is refused when it comes too slowly, though it never stops", async () => {
    const { ledger, url } = await setting({ bodyTimeoutMs: 200 });
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(Number(new URL(url).port), "127.0.0.1");
      socket.on("data", (data) => resolve(data.toString().split("\r\n")[0] ?? "")).on("error", () => {});
      socket.write(`POST /u/${token} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`);
      socket.write("1a\r\nList-Unsubscribe=One-Click\r\n");
      const trickle = setInterval(() => socket.write("1\r\n&\r\n"), 20);
      onTestFinished(() => {
        clearInterval(trickle);
        socket.destroy();
      });
    });
    expect([answer, ledger.choices]).toEqual([expect.stringMatching(/^HTTP\/1\.1 408/), []]);
  });

  it("is refused when its sender breaks off, whatever had come", async () => {
    const ledger = new Ledger();
    const body = new ReadableStream({
      pull(stream) {
        stream.enqueue(Buffer.from("List-Unsubscribe=One-Click"));
        stream.error(new Error("gone"));
      },
    });
    const lost = new Request(`https://acme.example/u/${token}`, { method: "POST", body, duplex: "half" });
    const response = await unsubscribeHandler({ links: ledger, controller: "Acme" })(lost);
    expect([response.status, ledger.choices]).toEqual([400, []]);
  });

  it("is refused when it does not come", async () => {
    const { ledger, url } = await setting({ bodyTimeoutMs: 50 });
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(Number(new URL(url).port), "127.0.0.1");
      socket.on("data", (data) => resolve(data.toString().split("\r\n")[0] ?? "")).on("error", () => {});
      socket.write(`POST /u/${token} HTTP/1.1\r\nHost: x\r\nContent-Length: 26\r\n`);
      socket.write("Content-Type: application/x-www-form-urlencoded\r\n\r\nList-");
      onTestFinished(() => void socket.destroy());
    });
    expect([answer, ledger.choices]).toEqual([expect.stringMatching(/^HTTP\/1\.1 408/), []]);
  });

  it.each(["PUT", "PATCH", "DELETE", "OPTIONS"])("%s is not allowed", async (method) => {
    const { ledger, link } = await setting();
    const response = await fetch(link, { method, headers: { Origin: "https://evil.example" } });
    expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, HEAD, POST"]);
    expect(response.headers.get("access-control-allow-origin")).toBeNull();
    expect(ledger.choices).toEqual([]);
  });
});

describe("a token that is not authentic", () => {
  it.each([
    "k1.forged",
    token.slice(0, -1),
    `${token}A`,
    token.toLowerCase(),
    `${token},`,
    `${token}.A`,
    `>${token}`,
    `${token}%253E`,
    encodeURIComponent(encodeURIComponent(`${token}=`)),
    "..%2f..%2fetc%2fpasswd",
    "%00",
    "%E0%A4%A",
    "x".repeat(10_000),
    "",
  ])("gets a page that helps, and nothing else: %s", async (forged) => {
    const { ledger, url, post } = await setting();
    const responses = [
      await fetch(`${url}/u/${forged}`),
      await post(oneClick, {}, `${url}/u/${forged}`),
      await post(form({ action: "stop-all" }), {}, `${url}/u/${forged}`),
    ];
    for (const response of responses) {
      const page = await response.text();
      expect(response.status).toBe(404);
      expect(page).toContain("This link does not work");
      expect(page).toContain('<a href="mailto:privacy@acme.example">');
    }
    expect(ledger.choices).toEqual([]);
    expect(ledger.opened.filter((asked) => !/^[\w.-]{1,128}$/.test(asked))).toEqual([]);
  });
});

describe("what a mail program takes for a part of the link", () => {
  it.each([">", "%3E", "%3e", ".", ">.", "%3E."])("is left out at its end: %s", async (end) => {
    const { ledger, url, post } = await setting();
    expect((await fetch(`${url}/u/${token}${end}`)).status).toBe(200);
    expect(ledger.choices).toEqual([]);
    expect((await post(oneClick, {}, `${url}/u/${token}${end}`)).status).toBe(200);
    expect(ledger.choices).toEqual(topicOnce);
  });
});

describe("a request that is put oddly", () => {
  it.each([
    ["an absolute address", `POST http://evil.example/u/${token} HTTP/1.1\r\nHost: evil.example`, "200"],
    ["a host that is none", `POST /u/${token} HTTP/1.1\r\nHost: ]:[`, "200"],
    ["an address that is none", "POST http:// HTTP/1.1\r\nHost: x", "400"],
  ])("goes by its token alone: %s", async (_what, head, status) => {
    const { ledger, url } = await setting();
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(Number(new URL(url).port), "127.0.0.1");
      socket.on("data", (data) => resolve(data.toString().split(" ")[1] ?? "")).on("error", () => {});
      socket.write(`${head}\r\nContent-Length: 26\r\n\r\nList-Unsubscribe=One-Click`);
      onTestFinished(() => void socket.destroy());
    });
    expect([answer, ledger.choices]).toEqual([status, status === "200" ? topicOnce : []]);
  });
});

describe("options", () => {
  it("finds the token where it is told to", async () => {
    const { ledger, url, post } = await setting({
      token: ({ searchParams }) => searchParams.get("t") ?? undefined,
    });
    expect((await post(oneClick, {}, `${url}/stop?t=${token}`)).status).toBe(200);
    expect((await post(oneClick, {}, `${url}/${token}`)).status).toBe(404);
    expect(ledger.choices).toEqual(topicOnce);
    // The other language is of the same link.
    expect(await (await fetch(`${url}/stop?t=${token}`)).text()).toContain(`href="?t=${token}&amp;lang=sv"`);
  });
});

function fileForm(): FormData {
  const data = new FormData();
  data.set("List-Unsubscribe", new Blob(["One-Click"]), "x.txt");
  return data;
}
