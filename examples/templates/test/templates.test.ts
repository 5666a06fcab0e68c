import { createHeed, definePolicy, ephemeralKeys, memory } from "@heed/core";
import { createMailer } from "@heed/mailer";
import { mailServer } from "@heed/mailer/testing";
import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it, onTestFinished } from "vitest";
import { words, type Language, type RenderDigest } from "../src/digest.ts";
import { withMjml } from "../src/with-mjml.ts";
import { withReactEmail } from "../src/with-react-email.tsx";

const policy = definePolicy({
  controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
  recipients: {},
  purposes: { news: { basis: "consent" } },
  topics: { digest: { class: "marketing", purpose: "news" } },
});
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const to = "anna@dest.example";
const hostile = `Åsa & "Bo" </a></mj-text><script>alert('x')</script><img src=//evil.example/x><mj-raw>`;
const articles = [{ title: `1 < 2 ${hostile}`, link: "https://acme.example/a?b=1&c=2" }];

/** What arrives of a digest that a real mailer sent, by leave of a real heed, over a real mail server. */
async function arrived(render: RenderDigest, language: Language) {
  const heed = createHeed({ policy, storage: memory(), keys: ephemeralKeys(), processors: {} });
  await heed.consent.give({ subject: { email: to }, purpose: "news", evidence: { noticeVersion: "1" } });
  const post = await mailServer();
  const mailer = createMailer({
    permits: heed.permits,
    transport: { host: post.host, port: post.port },
    from: "news@acme.example",
    dkim: { domain: "acme.example", selector: "s1", privateKey },
    unsubscribe: { url: "https://acme.example/u" },
    render,
  });
  onTestFinished(async () => {
    await mailer.close();
    await post.close();
  });
  const template = { name: "digest", language, data: { name: hostile, articles } } as const;
  const outcome = await mailer.send({ topic: "digest", to, messageKey: "2026-11", template });
  expect(outcome.status).toBe("accepted");
  const [message] = post.messages;
  if (message?.html === undefined || message.text === undefined) throw new Error("a part is missing");
  const header = (name: string) =>
    message.headers.filter((header) => header.name === name).map(({ value }) => value);
  return { heed, header, subject: message.subject, text: message.text, html: message.html };
}

const renderers = { withReactEmail, withMjml };
const every = (["withReactEmail", "withMjml"] as const).flatMap((name) =>
  (["en", "sv"] as const).map((language) => [name, language] as const),
);

describe.each(every)("a digest %s, in %s", (name, language) => {
  it("has a way out in each part, the one that its header names", async () => {
    const { heed, header, text, html } = await arrived(renderers[name], language);
    const [listUnsubscribe = ""] = header("list-unsubscribe");
    const link = /^<(https:\/\/acme\.example\/u\/[\w.-]+)>$/.exec(listUnsubscribe)?.[1] ?? "none";
    expect(text).toContain(link);
    expect(html).toContain(`href="${link}"`);
    expect(text + html).not.toContain("{{");
    expect(await heed.links.open(link.split("/u/")[1] ?? "")).toMatchObject({ topic: "digest" });
  });

  it("says its language, to people and to machines", async () => {
    const { header, subject, text, html } = await arrived(renderers[name], language);
    expect(header("content-language")).toEqual([language]);
    expect(html).toMatch(new RegExp(`<html[^>]* lang="${language}"`));
    expect(subject).toBe(words[language].subject);
    for (const part of [text, html]) expect(part).toContain(words[language].why);
  });

  it("takes data for words, and fetches nothing", async () => {
    const { text, html } = await arrived(renderers[name], language);
    expect(html).not.toMatch(/<script|<img|<link|@import|url\(|<[^>]*\ssrc=/i);
    expect(html).not.toContain("mj-raw>");
    const shown = unescaped(html);
    expect(shown).toContain(words[language].greeting(hostile));
    expect(shown).toContain(articles[0]?.title);
    expect(html).toMatch(/href="https:\/\/acme\.example\/a\?b=1&(?:amp|#38);c=2"/);
    expect(text).toContain(words[language].greeting(hostile));
    expect(text).toContain("https://acme.example/a?b=1&c=2");
  });
});

/** What a reader sees of markup that was escaped once. */
function unescaped(html: string): string {
  const named: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"' };
  return html.replaceAll(/&(?:#x([\da-f]+)|#(\d+)|(amp|lt|gt|quot));/gi, (_, hex, decimal, name) =>
    name ? (named[name] ?? "") : String.fromCodePoint(hex ? Number.parseInt(hex, 16) : Number(decimal)),
  );
}
