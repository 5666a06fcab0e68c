import { inspect } from "node:util";
import { TamperedEvidenceError, type Invitations } from "@heed/core";
import { describe, expect, it, onTestFinished } from "vitest";
import { evidence, openShop } from "../test/shop.ts";
import { invitationHandler, listen, type InvitationHandlerOptions } from "./index.ts";

const email = "anna@dest.example";
const dayMs = 86_400_000;

async function setting(options: Partial<InvitationHandlerOptions> = {}) {
  const shop = openShop();
  const handler = invitationHandler({
    invitations: shop.heed.invitations,
    controller: "Acme & Söner",
    contact: "privacy@acme.example",
    ...options,
  });
  const server = await listen(handler);
  onTestFinished(() => server.close());
  const linkTo = (token: string, query = "") => `${server.url}/i/${token}${query}`;
  const post = (
    token: string,
    body: ConstructorParameters<typeof Response>[0],
    headers: Record<string, string> = {},
    query = "",
  ) => fetch(linkTo(token, query), { method: "POST", body: body ?? null, headers, redirect: "error" });
  const say = (token: string, answer: string, query = "") =>
    post(token, new URLSearchParams({ answer }), {}, query);
  return { ...shop, linkTo, post, say };
}

const isConsented = (shop: Pick<ReturnType<typeof openShop>, "heed">) =>
  shop.heed.subscriptions.state({ subject: { email }, topic: "product-news" });

it("takes no option that it does not know", () => {
  const given = { invitations: openShop().heed.invitations, controller: "Acme AB", contct: "x" };
  expect(() => invitationHandler(given)).toThrow(/Did you mean `contact`\?/);
});

describe("GET and HEAD", () => {
  it.each([
    ["GET", {}],
    ["HEAD", {}],
    ["GET", { Purpose: "prefetch", "Sec-Purpose": "prefetch;prerender" }],
    ["GET", { "User-Agent": "link scanner", Cookie: "session=1" }],
  ])("%s shows what is asked and changes nothing (%j)", async (method, headers) => {
    const shop = await setting();
    const token = await shop.askedFor(email);
    for (const query of ["", "?answer=yes", "?lang=en"]) {
      const response = await fetch(shop.linkTo(token, query), { method, headers, redirect: "error" });
      expect([response.status, response.headers.get("set-cookie")]).toEqual([200, null]);
      const text = await response.text();
      expect(text).toContain(method === "HEAD" ? "" : "“Product news”");
    }
    expect(await shop.kinds()).toEqual(["requested"]);
  });

  it("says the same about itself as the unsubscribe page, and keeps the token to itself", async () => {
    const shop = await setting();
    const response = await fetch(shop.linkTo(await shop.askedFor(email)));
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "cache-control": "no-store",
      "referrer-policy": "no-referrer",
      "x-robots-tag": "noindex",
      "x-content-type-options": "nosniff",
      "content-type": "text/html; charset=utf-8",
      "content-language": "en",
      vary: "Accept-Language",
    });
    expect(response.headers.get("content-security-policy")).toMatch(
      /default-src 'none'.*form-action 'self'.*frame-ancestors 'none'/,
    );
  });

  it("puts both answers alike: two buttons with nothing to tell them apart but their words", async () => {
    const shop = await setting();
    const invited = await shop.heed.consent.invite({ subject: { email }, purpose: "ads", evidence });
    const page = await (await fetch(shop.linkTo(invited.asked ? invited.token : ""))).text();
    const buttons = [...page.matchAll(/<button([^>]*)>([^<]*)<\/button>/g)].map(([, attributes, words]) => [
      attributes?.trim(),
      words?.trim(),
    ]);
    expect(buttons).toEqual([
      ['name="answer" value="yes"', "I agree"],
      ['name="answer" value="no"', "I do not agree"],
    ]);
    expect(page).toContain("“Matching offers”");
    expect(page).toContain("<strong>2026-01</strong>");
    expect(page).toContain("Acme &amp; Söner");
  });

  it.each([
    [{ "Accept-Language": "sv-SE,sv;q=0.9" }, "", "sv"],
    [{ "Accept-Language": "de" }, "", "en"],
    [{ "Accept-Language": "en" }, "?lang=sv", "sv"],
  ])("speaks the reader's language: %j %s", async (headers, query, lang) => {
    const shop = await setting();
    const response = await fetch(shop.linkTo(await shop.askedFor(email), query), { headers });
    expect(response.headers.get("content-language")).toBe(lang);
    const page = await response.text();
    expect(page).toContain(lang === "sv" ? "Nej, det var inte jag" : "No, it was not me");
    expect(page).toContain(lang === "sv" ? 'href="?lang=en"' : 'href="?lang=sv"');
  });

  it("calls topics and purposes as they are called in the reader's language", async () => {
    const titles = { "product-news": { sv: "våra nyheter" }, ads: { sv: "erbjudanden som passar" } };
    const shop = await setting({ titles });
    const invited = await shop.heed.consent.invite({ subject: { email }, purpose: "ads", evidence });
    const tokens = [await shop.askedFor(email), invited.asked ? invited.token : ""];
    const pages = (lang: string) =>
      Promise.all(tokens.map(async (token) => (await fetch(shop.linkTo(token, `?lang=${lang}`))).text()));
    const [news, ads] = await pages("sv");
    expect(news).toContain("”våra nyheter”");
    expect(ads).toContain("”erbjudanden som passar”");
    const [newsInEnglish, adsInEnglish] = await pages("en");
    expect(newsInEnglish).toContain("“Product news”");
    expect(adsInEnglish).toContain("“Matching offers”");
  });
});

describe("an answer", () => {
  it("yes is recorded, with the language of the page, and answered the same when it is repeated", async () => {
    const shop = await setting();
    const token = await shop.askedFor(email);
    const answers = [];
    for (let times = 0; times < 3; times += 1) {
      const response = await shop.say(token, "yes", "?lang=sv");
      answers.push(JSON.stringify([response.status, await response.text()]));
    }
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).toMatch(/^\[200,.*role=\\"status\\">\s*Du har sagt ja till ”Product news”/s);
    expect(await shop.kinds()).toEqual(["requested", "confirmed"]);
    expect(await isConsented(shop)).toMatchObject({ state: "given" });
  });

  it("is told with the language of the page, for the evidence", async () => {
    const { heed, askedFor } = openShop();
    const told: unknown[] = [];
    const handler = invitationHandler({
      controller: "Acme",
      invitations: {
        open: heed.invitations.open,
        answer: (ask) => {
          told.push(ask);
          return heed.invitations.answer(ask);
        },
      },
    });
    const token = await askedFor(email);
    const body = new URLSearchParams({ answer: "yes" });
    const headers = { "Accept-Language": "sv-SE" };
    await handler(new Request(`https://acme.example/i/${token}`, { method: "POST", body, headers }));
    expect(told).toEqual([{ token, answer: "yes", language: "sv" }]);
  });

  it("no is recorded, also after a yes, from a button of its page", async () => {
    const shop = await setting();
    const token = await shop.askedFor(email);
    const page = await (await shop.say(token, "yes")).text();
    expect(page).toMatch(/<button name="answer" value="no">/);
    expect(page).not.toMatch(/value="yes"/);
    expect(await (await fetch(shop.linkTo(token))).text()).toMatch(/<button name="answer" value="no">/);
    expect((await shop.say(token, "no")).status).toBe(200);
    expect(await isConsented(shop)).toMatchObject({ state: "not-given" });
  });

  it("yes after a no is told that it does not count", async () => {
    const shop = await setting();
    const token = await shop.askedFor(email);
    await shop.say(token, "no");
    const response = await shop.say(token, "yes");
    expect(response.status).toBe(410);
    expect(await response.text()).toContain("You said no before, and that counts.");
    expect(await shop.kinds()).toEqual(["requested", "refused"]);
  });

  it("counts no more after an opt-out in between, and is told so", async () => {
    const shop = await setting();
    const token = await shop.askedFor(email);
    await shop.heed.subscriptions.unsubscribe({ subject: { email }, topic: "all" });
    await shop.advance(1000);
    for (const response of [await fetch(shop.linkTo(token)), await shop.say(token, "yes")]) {
      expect(response.status).toBe(410);
      expect(await response.text()).toContain("You unsubscribed after it was sent");
    }
    expect(await shop.kinds()).toEqual(["requested", "withdrawn"]);
  });

  it.each(["yes", "no"])("%s is answered 410 after the link has expired, with what to do", async (answer) => {
    const shop = await setting();
    const token = await shop.askedFor(email);
    await shop.advance(7 * dayMs);
    for (const response of [await fetch(shop.linkTo(token)), await shop.say(token, answer)]) {
      const page = await response.text();
      expect(response.status).toBe(410);
      expect(page).toContain("sign up with Acme &amp; Söner again");
      expect(page).toContain('<a href="mailto:privacy@acme.example">');
      expect(page).not.toContain("<form");
    }
    expect(await shop.kinds()).toEqual(["requested"]);
  });

  it("finds nobody who was erased since the page was asked for", async () => {
    const { heed, askedFor } = openShop();
    const token = await askedFor(email);
    const gone = new TamperedEvidenceError("gone", { code: "tampered-token" });
    const invitations = { open: heed.invitations.open, answer: () => Promise.reject(gone) };
    const body = new URLSearchParams({ answer: "yes" });
    const handler = invitationHandler({ controller: "Acme", invitations });
    const request = new Request(`https://acme.example/i/${token}`, { method: "POST", body });
    expect((await handler(request)).status).toBe(404);
  });

  it("lets a request that came by mail go on, or takes it back", async () => {
    for (const [answer, state] of [
      ["yes", "executing"],
      ["no", "withdrawn"],
    ] as const) {
      const shop = await setting();
      const { id } = await shop.heed.requests.open({
        right: "erasure",
        subject: { email },
        identity: "unverified",
      });
      const { token } = await shop.heed.requests.invite(id);
      expect(await (await fetch(shop.linkTo(token))).text()).toContain("to erase your data");
      expect((await shop.say(token, answer)).status).toBe(200);
      expect((await shop.heed.requests.get(id)).state).toBe(state);
    }
  });

  it("is one record for 1,000 at once", async () => {
    const shop = await setting();
    const token = await shop.askedFor(email);
    const responses = await Promise.all(Array.from({ length: 1000 }, () => shop.say(token, "yes")));
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([200]));
    expect(await shop.kinds()).toEqual(["requested", "confirmed"]);
  });

  it("counts on its token alone: no cookie, no origin, no field that is none of its business", async () => {
    const shop = await setting();
    const token = await shop.askedFor(email);
    const other = await shop.askedFor("ben@dest.example");
    const body = new URLSearchParams({ answer: "no", token: other, language: "xx", action: "stop" });
    const headers = { Cookie: "session=eve", Origin: "https://evil.example" };
    expect((await shop.post(token, body, headers)).status).toBe(200);
    expect((await shop.heed.invitations.open(other))?.state).toBe("open");
    expect((await shop.heed.invitations.open(token))?.answer).toBe("no");
  });

  it("is never answered with 200 when it could not be recorded", async () => {
    const lines: unknown[] = [];
    const shop = openShop();
    const token = await shop.askedFor(email);
    const answer: Invitations["answer"] = async (ask) => {
      throw Object.assign(new Error(`no disk for ${ask.token}`), { code: "EIO" });
    };
    const handler = invitationHandler({
      invitations: { open: shop.heed.invitations.open, answer },
      controller: "Acme",
      logger: { warn: (...line) => lines.push(line) },
    });
    const body = new URLSearchParams({ answer: "yes" });
    const response = await handler(new Request(`https://acme.example/i/${token}`, { method: "POST", body }));
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "60"]);
    expect(lines).toEqual([[{ error: "Error" }, "an invitation could not be answered"]]);
    expect(inspect(lines)).not.toContain(token);
  });
});

describe("what cannot be read", () => {
  it.each<[string, number, ConstructorParameters<typeof Response>[0], Record<string, string>]>([
    ["an empty body", 400, "", {}],
    ["another answer", 400, new URLSearchParams({ answer: "maybe" }), {}],
    ["another case", 400, new URLSearchParams({ answer: "Yes" }), {}],
    ["two answers", 400, "answer=yes&answer=no", { "Content-Type": "application/x-www-form-urlencoded" }],
    ["one answer twice", 400, "answer=yes&answer=yes", { "Content-Type": "text/plain" }],
    ["the one-click pair", 400, new URLSearchParams({ "List-Unsubscribe": "One-Click" }), {}],
    ["JSON", 400, JSON.stringify({ answer: "yes" }), { "Content-Type": "application/json" }],
    ["10 kB", 413, new URLSearchParams({ answer: "yes", filler: "x".repeat(10_000) }), {}],
  ])("is refused, and changes nothing: %s", async (_what, status, body, headers) => {
    const shop = await setting();
    const token = await shop.askedFor(email);
    expect((await shop.post(token, body, headers)).status).toBe(status);
    expect(await shop.kinds()).toEqual(["requested"]);
  });

  it.each(["PUT", "DELETE", "OPTIONS"])("%s is not allowed", async (method) => {
    const shop = await setting();
    const response = await fetch(shop.linkTo(await shop.askedFor(email)), { method });
    expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, HEAD, POST"]);
    expect(response.headers.get("access-control-allow-origin")).toBeNull();
  });
});

describe("a token that is not authentic", () => {
  it("gets a page that helps, also after an erasure, and makes nobody anew", async () => {
    const shop = await setting();
    const token = await shop.askedFor(email);
    const link = await shop.linkFor("offers", email);
    await shop.heed.requests.open({ right: "erasure", subject: { email }, identity: "signed-in" });
    await shop.heed.work.drain();
    expect(await shop.rows("subjects")).toEqual([]);
    for (const each of [token, link, "k1.forged", "x".repeat(10_000), ""]) {
      for (const response of [await fetch(shop.linkTo(each)), await shop.say(each, "yes")]) {
        expect(response.status).toBe(404);
        const page = await response.text();
        expect(page).toContain("This link does not work");
        expect(page).toContain('<a href="mailto:privacy@acme.example">');
      }
    }
    expect(await shop.rows("subjects")).toEqual([]);
  });

  it("is left with what a mail program took for a part of it", async () => {
    const shop = await setting();
    const token = await shop.askedFor(email);
    expect((await shop.say(`${token}%3E.`, "yes")).status).toBe(200);
    expect((await shop.say(`${token},`, "yes")).status).toBe(404);
  });
});
