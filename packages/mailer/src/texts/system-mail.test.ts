import fc from "fast-check";
import { inspect } from "node:util";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { full, least, names } from "../../test/system-mail-data.ts";
import { anna, judge, setting } from "../../test/setting.ts";
import { systemMail, type SystemMails } from "../index.ts";

const languages = ["en", "sv"] as const;
const every = names.flatMap((name) => languages.map((language) => [name, language] as const));
const hrefs = (html: string): readonly string[] =>
  Array.from(html.matchAll(/\shref="([^"]*)"/g), ([, href = ""]) => href);

describe("every system mail", () => {
  it.each(every)("%s in %s says the same in text and html, in that language", (name, language) => {
    for (const data of [full[name], least[name]]) {
      const { subject, text, html, language: said } = systemMail(name, language, data);
      expect(said).toBe(language);
      expect(subject).toMatch(/^[^\n{}]{10,120}$/);
      const words = text.split(/\n+/).filter((line) => line && !line.startsWith("https:"));
      for (const line of words) {
        expect(html.replaceAll(/<[^>]*>/g, "")).toContain(
          line.replace(/^- |:$/g, "").replace(/ privacy@.*/, ""),
        );
      }
      for (const link of text.match(/https:\S+/g) ?? []) expect(hrefs(html)).toContain(link);
    }
  });

  it.each(every)("%s in %s is a whole document that fetches nothing", (name, language) => {
    const { html, subject } = systemMail(name, language, full[name]);
    expect(html).toMatch(new RegExp(`^<!doctype html>\\s+<html lang="${language}" dir="ltr">`));
    expect(html).toMatch(
      new RegExp(`<div\\s+role="article"\\s+aria-label="[^"]+"\\s+lang="${language}"\\s+dir="ltr"`),
    );
    expect(html).toContain(`<title>${subject.replaceAll("&", "&amp;")}</title>`);
    expect(html.match(/<h1[\s>]/g)).toHaveLength(1);
    // Every element that there is; none of them loads anything.
    const elements = new Set(Array.from(html.matchAll(/<([a-z]\w*)/g), ([, element]) => element));
    const harmless = new Set("html head meta title body div h1 p a ul li br".split(" "));
    expect([...elements].filter((element) => !harmless.has(element ?? ""))).toEqual([]);
    expect(html).not.toMatch(/\ssrc=|url\(|@import|http:/);
    for (const href of hrefs(html)) expect(href).toMatch(/^https:|^mailto:/);
    // A link says in words where it leads.
    for (const [, label] of html.matchAll(/<a [^>]*>([^<]*)</g)) expect(label).toMatch(/\S{9}|\S \S/);
  });

  it.each(every)("%s in %s goes through a mailer as it is, as no marketing", async (name, language) => {
    const { post, mailer } = await setting();
    const message = systemMail(name, language, full[name]);
    const ask = { to: anna, messageKey: name, message };
    expect(await mailer.send({ ...ask, topic: "receipts" })).toMatchObject({ status: "accepted" });
    const arrived = post.messages[0];
    expect(arrived?.text?.trim()).toBe(message.text.trim());
    expect(arrived?.html?.trim()).toBe(message.html.trim());
    expect(arrived?.headers).toContainEqual({ name: "content-language", value: language });
    expect(await judge(arrived?.raw ?? "")).toBe("pass");

    const asNews = mailer.send({ ...ask, topic: "news", messageKey: "news" });
    await expect(asNews).rejects.toMatchObject({ code: "no-unsubscribe-link" });
    expect(post.messages).toHaveLength(1);
  });

  it("shows colours that can be told apart (WCAG 2.2 1.4.3, AA)", () => {
    const { html } = systemMail("confirm-subscription", "en", full["confirm-subscription"]);
    const styles = Array.from(html.matchAll(/style="([^"]*)"/g), ([, style = ""]) => style);
    const colour = (style: string, name: string) =>
      new RegExp(`(?:^|;)${name}:(#[0-9a-f]{6})`).exec(style)?.[1];
    const coloured = styles.filter((style) => colour(style, "color"));
    expect(coloured).toHaveLength(4);
    for (const style of coloured) {
      const ratio = contrast(colour(style, "color") ?? "", colour(style, "background") ?? "#ffffff");
      expect(ratio).toBeGreaterThanOrEqual(4.5);
    }
  });
});

describe("what a system mail says", () => {
  it("tells instants with their zone, in the language and the zone asked for", () => {
    const data = full["confirm-subscription"];
    expect(systemMail("confirm-subscription", "en", data).text).toMatch(/30 November 2026\D+14:05 UTC/);
    const options = { timeZone: "Europe/Stockholm" };
    expect(systemMail("confirm-subscription", "sv", data, options).text).toMatch(
      /30 november 2026\D+15:05 CET/,
    );
  });

  it("tells a civil date as it is, wherever the reader lives, and the machine", () => {
    onTestFinished(() => void vi.unstubAllEnvs());
    vi.stubEnv("TZ", "Pacific/Pago_Pago");
    for (const timeZone of ["Pacific/Kiritimati", "Pacific/Pago_Pago"]) {
      const { text } = systemMail("inquiry-received", "en", full["inquiry-received"], { timeZone });
      expect(text).toContain("by 23 December 2026 at the latest");
    }
  });

  it("says what is kept, until when and by which law, and when nothing is", () => {
    const { text } = systemMail("farewell", "en", full.farewell);
    expect(text).toContain(
      "- invoices, until 31 December 2033 (SFS 1999:1078 7:2)\n- one complaint, until 30 June 2027\n",
    );
    expect(text).not.toContain("None of your data is kept");
    expect(systemMail("farewell", "en", least.farewell).text).toContain("None of your data is kept");
  });

  it("says what is kept where nobody knows until when", () => {
    const kept = [{ what: "refunds & charges", law: "SFS 1999:1078 7:2" }, { what: "one complaint" }];
    const { text, html } = systemMail("farewell", "en", { ...full.farewell, kept });
    expect(text).toContain("- refunds & charges (SFS 1999:1078 7:2)\n- one complaint\n");
    expect(html).toContain("refunds &amp; charges (SFS 1999:1078 7:2)");
  });

  it("asks who it was only where that has to be shown", () => {
    expect(systemMail("request-received", "en", full["request-received"]).text).toContain("https://");
    expect(systemMail("request-received", "en", least["request-received"]).text).not.toContain("https://");
    const expired = { ...least["request-received"], expiresAt: "2026-11-30T14:05:00Z" };
    expect(systemMail("request-received", "en", expired).text).not.toContain("link");
  });

  it("names the list that a mail asked to leave, or all of them", () => {
    expect(systemMail("confirm-unsubscribe", "en", full["confirm-unsubscribe"]).text).toContain(
      "no more “Product news”",
    );
    expect(systemMail("confirm-unsubscribe", "en", least["confirm-unsubscribe"]).text).toContain(
      "no more newsletters",
    );
  });

  it("says where to write to, by mail or by link", () => {
    const contact = "o'neil&co@acme.example";
    const { html, text } = systemMail("farewell", "en", { ...full.farewell, contact });
    expect(hrefs(html)).toContain("mailto:o&#39;neil%26co@acme.example");
    expect(text).toContain(`Write to ${contact}`);
    const page = "https://acme.example/contact?a=1&b=2";
    expect(hrefs(systemMail("farewell", "en", { ...full.farewell, contact: page }).html)).toEqual([
      "https://acme.example/contact?a=1&amp;b=2",
    ]);
  });
});

describe("data", () => {
  const hostile = `</a><script>alert("x")</script><img src=x onerror='y'>&amp;{link}{{x}}$&`;

  it("is words, and never markup, a placeholder or a pattern", () => {
    const { subject, text, html } = systemMail("confirm-subscription", "en", {
      ...full["confirm-subscription"],
      topic: hostile,
      controller: hostile,
    });
    expect(subject).toContain(hostile);
    expect(text).toContain(hostile);
    expect(html).not.toMatch(/<script|<img|onerror='/);
    expect(html).toContain("&lt;/a&gt;&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;");
    expect(hrefs(html)).toEqual(["https://acme.example/i/k1.token", "mailto:privacy@acme.example"]);
  });

  it("stays between the same elements, whatever it says", () => {
    const elementsOf = (html: string) => html.match(/<\/?[a-z][^\s>]*/gi);
    const plain = elementsOf(systemMail("policy-changed", "sv", full["policy-changed"]).html);
    const words = fc.string({
      unit: fc.constantFrom(
        ..."<>&\"'{}$`/=aå \\!-".split(""),
        "<script>",
        "{{",
        "}}",
        "{link}",
        "-->",
        "]]>",
      ),
      minLength: 1,
      maxLength: 20,
    });
    fc.assert(
      fc.property(words, words, (purpose, change) => {
        const data = { ...full["policy-changed"], purpose, changes: [change, change] };
        const { html, text } = systemMail("policy-changed", "sv", data);
        expect(elementsOf(html)).toEqual(plain);
        expect(text).toContain(`- ${change}\n- ${change}\n`);
        expect(text).toContain(purpose);
      }),
    );
  });

  it("cannot bring a way out into a mail that has none", () => {
    const data = { ...full["confirm-subscription"], topic: "{{unsubscribe}}" };
    expect(() => systemMail("confirm-subscription", "en", data)).toThrow(
      expect.objectContaining({ code: "no-unsubscribe-link" }),
    );
  });

  it.each([
    "http://acme.example/i/x",
    "javascript:alert(1)",
    "data:text/html,x",
    "//acme.example/x",
    "/i/x",
    "https://acme.example@evil.example/",
    "https://acme.example/\r\nBcc: eve@evil.example",
    'https://acme.example/"onclick="x',
    "https://acme.example/ x",
    "https://acme.example/å",
    `https://acme.example/${"x".repeat(900)}`,
    "mailto:eve@evil.example",
    "",
  ])("is refused as a link: %j", (link) => {
    const data = { ...full["confirm-subscription"], link };
    expect(() => systemMail("confirm-subscription", "en", data)).toThrow(
      expect.objectContaining({
        name: "InvalidInputError",
        issues: [expect.objectContaining({ path: "link" })],
      }),
    );
  });

  it("may be a link to this very machine, to try it out", () => {
    const link = "http://localhost:8080/i/x?a=1&b=2";
    const { html, text } = systemMail("confirm-subscription", "en", {
      ...full["confirm-subscription"],
      link,
    });
    expect(hrefs(html)[0]).toBe("http://localhost:8080/i/x?a=1&amp;b=2");
    expect(text).toContain(`:\n${link}\n`);
  });

  it.each<[string, object]>([
    ["a line break", { topic: "News\r\nBcc: eve@evil.example" }],
    ["a line separator", { topic: "News\u2028x" }],
    ["an override of its direction", { topic: "News \u202Egpj.exe" }],
    ["nothing", { topic: "" }],
    ["too much", { topic: "x".repeat(201) }],
    ["what is no text", { topic: { toString: () => "News" } }],
    ["a key more", { name: "Canary" }],
    ["a date that is none", { expiresAt: "2026-02-30T10:00:00Z" }],
    ["an instant without its zone", { expiresAt: "2026-11-30T10:00:00" }],
    ["a contact that is none", { contact: "privacy" }],
    ["two addresses to write to", { contact: "a@acme.example, b@acme.example" }],
    ["a contact in code", { contact: "javascript:alert(1)" }],
  ])("is refused with %s", (_, change) => {
    const data = { ...full["confirm-subscription"], ...change };
    const refused = catching(() => systemMail("confirm-subscription", "en", data));
    expect(refused).toMatchObject({ name: "InvalidInputError" });
    expect(inspect(refused)).not.toMatch(/evil|Canary|gpj/);
  });

  it.each<[string, () => unknown]>([
    ["mail", () => systemMail("hello" as keyof SystemMails, "en", full.farewell)],
    ["mail", () => systemMail("__proto__" as keyof SystemMails, "en", full.farewell)],
    ["language", () => systemMail("farewell", "fi" as "sv", full.farewell)],
    ["language", () => systemMail("farewell", "constructor" as "sv", full.farewell)],
    ["time zone", () => systemMail("farewell", "en", full.farewell, { timeZone: "Mars/Olympus" })],
  ])("is refused for a %s that does not exist", (_, ask) => {
    expect(ask).toThrow(expect.objectContaining({ name: "InvalidInputError" }));
  });
});

function catching(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return error;
  }
}

/** WCAG 2.2, contrast ratio of two colours `#rrggbb`. */
function contrast(one: string, other: string): number {
  const luminance = (colour: string): number => {
    const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
      const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].toSorted((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}
