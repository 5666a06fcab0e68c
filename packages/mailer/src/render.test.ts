import { inspect } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import { PermitBook, type Topic } from "../test/permit-book.ts";
import { anna, judge, keys, newsletter, setting } from "../test/setting.ts";
import { full } from "../test/system-mail-data.ts";
import {
  createMailer,
  systemMail,
  type Language,
  type Message,
  type Render,
  type SystemMails,
} from "./index.ts";
import { mailServer, type MailServer } from "./testing/index.ts";

interface Templates {
  news: { readonly name: string };
}
const news = {
  topic: "news",
  to: anna,
  messageKey: "2026-11",
  template: { name: "news", language: "sv", data: { name: "Anna" } },
} as const;

const letter: Message = {
  subject: "Nyheter",
  text: "Hej! Sluta: {{unsubscribe}}\n",
  html: '<p lang="sv">Hej! <a href="{{unsubscribe}}">Sluta</a></p>',
};

/** A mail server, a book of permits and a mailer that renders; ended with the test. */
async function rendering<T extends object, L extends string>(
  render: Render<T, L>,
): Promise<{ post: MailServer; book: PermitBook; mailer: ReturnType<typeof createMailer<Topic, T, L>> }> {
  const post = await mailServer();
  const book = new PermitBook();
  const mailer = createMailer<Topic, T, L>({
    permits: book,
    transport: { host: post.host, port: post.port },
    from: "news@acme.example",
    dkim: { domain: "acme.example", selector: "s1", privateKey: keys.privateKey },
    unsubscribe: { url: "https://acme.example/u" },
    render,
  });
  onTestFinished(async () => {
    await post.close();
    await mailer.close();
  });
  return { post, book, mailer };
}

const languageOf = (post: MailServer) =>
  post.messages[0]?.headers.filter(({ name }) => name === "content-language").map(({ value }) => value);

describe("a template", () => {
  it("is rendered and sent as any message, in its language", async () => {
    const asked: unknown[] = [];
    const { post, mailer } = await rendering<Templates, string>(async (...ask) => {
      asked.push(ask);
      return letter;
    });
    expect(await mailer.send(news)).toMatchObject({ status: "accepted" });
    expect(asked).toEqual([["news", "sv", { name: "Anna" }]]);
    const link = "https://acme.example/u/k1.Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV41";
    expect(post.messages[0]?.subject).toBe("Nyheter");
    expect(post.messages[0]?.text).toContain(`Sluta: ${link}`);
    expect(post.messages[0]?.html).toContain(`<a href="${link}">`);
    expect(languageOf(post)).toEqual(["sv"]);
    expect(await judge(post.messages[0]?.raw ?? "")).toBe("pass");
  });

  it("may be rendered at once, with nothing to wait for", async () => {
    const { post, mailer } = await rendering<Templates, string>(() => letter);
    await mailer.send(news);
    expect(post.messages).toHaveLength(1);
  });

  it.each([
    ["the language it is in, when it is another", { language: "nb" }, "nb"],
    ["the language of its own header", { headers: { "content-language": "sv-FI" } }, "sv-FI"],
  ])("says %s", async (_, own, language) => {
    const { post, mailer } = await rendering<Templates, string>(() => ({ ...letter, ...own }));
    await mailer.send(news);
    expect(languageOf(post)).toEqual([language]);
  });

  it("is one of heed's own mails, with heed's texts as what renders", async () => {
    const render: Render<SystemMails, Language> = systemMail;
    const { post, mailer } = await rendering(render);
    const template = { name: "farewell", language: "sv", data: full.farewell } as const;
    await mailer.send({ topic: "receipts", to: anna, messageKey: "bye", template });
    expect(post.messages[0]?.subject).toBe("Acme AB har raderat dina uppgifter");
    expect(languageOf(post)).toEqual(["sv"]);
  });

  it("is rendered from what was asked, whatever becomes of the object since", async () => {
    const { post, mailer } = await rendering<Templates, string>(async () => letter);
    const ask = { ...news, to: "first@dest.example" };
    const first = mailer.send(ask);
    ask.to = "second@dest.example";
    await Promise.all([first, mailer.send(ask)]);
    expect(new Set(post.messages.flatMap(({ envelope }) => envelope.to))).toEqual(
      new Set(["first@dest.example", "second@dest.example"]),
    );
  });
});

describe("a message", () => {
  it("is sent as it is by a mailer that renders", async () => {
    const { post, mailer } = await rendering<Templates, string>(() => {
      throw new Error("nobody asked");
    });
    expect(await mailer.send(newsletter)).toMatchObject({ status: "accepted" });
    expect(languageOf(post)).toEqual([]);
  });

  it("is read before anything is waited for", async () => {
    const { post, mailer } = await setting();
    const ask = { ...newsletter, to: "first@dest.example" };
    const first = mailer.send(ask);
    ask.to = "second@dest.example";
    await Promise.all([first, mailer.send(ask)]);
    expect(new Set(post.messages.flatMap(({ envelope }) => envelope.to))).toEqual(
      new Set(["first@dest.example", "second@dest.example"]),
    );
  });

  it("says its language", async () => {
    const { post, mailer } = await setting();
    await mailer.send({ ...newsletter, message: { ...newsletter.message, language: "pt-BR" } });
    expect(languageOf(post)).toEqual(["pt-BR"]);
  });

  it.each(["", "English!", "sv\r\nBcc: eve@evil.example", "sv,en"])(
    "may not be in the language %j",
    async (language) => {
      const { post, mailer } = await setting();
      const sent = mailer.send({ ...newsletter, message: { ...newsletter.message, language } });
      await expect(sent).rejects.toMatchObject({ name: "InvalidInputError" });
      expect(post.connections).toBe(0);
    },
  );
});

describe("nothing leaves, and no permit is taken", () => {
  const broken = new Error("template not found");
  it.each<[string, () => Message | Promise<Message>]>([
    [
      "throws",
      () => {
        throw broken;
      },
    ],
    ["rejects", () => Promise.reject(broken)],
  ])("when what renders %s: the caller is told its error", async (_, render) => {
    const { post, book, mailer } = await rendering<Templates, string>(render);
    await expect(mailer.send(news)).rejects.toBe(broken);
    expect(book.entries).toEqual([]);
    expect(post.connections).toBe(0);
  });

  it.each<[string, unknown]>([
    ["nothing", undefined],
    ["a string", "<p>Hi</p>"],
    ["no text", { subject: "Hi", html: "<p>{{unsubscribe}}</p>" }],
    ["a link in the html alone", { ...letter, text: "Hi." }],
    ["a recipient of its own", { ...letter, to: "eve@evil.example" }],
    ["a header of the mailer's", { ...letter, headers: { Bcc: "eve@evil.example" } }],
    ["a subject of two lines", { ...letter, subject: "Hi\r\nBcc: eve@evil.example" }],
    ["a language that is none", { ...letter, language: "Swedish!" }],
    ["two languages", { ...letter, language: "sv", headers: { "content-language": "nb" } }],
    ["one language twice", { ...letter, language: "sv", headers: { "Content-Language": "sv" } }],
  ])("when %s comes back", async (_, message) => {
    const { post, book, mailer } = await rendering<Templates, string>(() => message as Message);
    const failed = await mailer.send(news).catch((error: unknown) => error);
    expect(failed).toMatchObject({ name: "InvalidInputError" });
    expect(inspect(failed)).not.toContain("evil");
    expect(book.entries).toEqual([]);
    expect(post.connections).toBe(0);
  });

  it.each<[string, object]>([
    ["a message as well", { message: letter }],
    ["no name", { template: { ...news.template, name: "" } }],
    ["no language", { template: { name: "news", data: {} } }],
    ["a language that is none", { template: { ...news.template, language: "Swedish!" } }],
    ["a key more", { template: { ...news.template, to: "eve@evil.example" } }],
    ["a name alone", { template: "news" }],
    ["nothing", { template: null }],
  ])("when the template comes with %s", async (_, change) => {
    let rendered = 0;
    const { book, mailer } = await rendering<Templates, string>(() => {
      rendered += 1;
      return letter;
    });
    const sent = mailer.send({ ...news, ...change });
    await expect(sent).rejects.toMatchObject({ name: "InvalidInputError" });
    expect([rendered, book.entries]).toEqual([0, []]);
  });

  it("when the mailer does not render", async () => {
    const { book, mailer } = await setting();
    await expect(mailer.send(news as never)).rejects.toMatchObject({ name: "InvalidInputError" });
    expect(book.entries).toEqual([]);
  });

  it("when a template that is not marketing asks for a way out, or marketing has none", async () => {
    const { post, mailer } = await rendering<Templates, string>((_name, language) =>
      language === "sv" ? letter : { subject: "Hi", text: "Hi." },
    );
    const english = { ...news.template, language: "en" } as const;
    for (const ask of [
      { ...news, topic: "receipts" } as const,
      { ...news, template: english, messageKey: "2" },
    ]) {
      await expect(mailer.send(ask)).rejects.toMatchObject({ code: "no-unsubscribe-link" });
    }
    expect(post.messages).toEqual([]);
  });
});

it("a mailer is not made with what cannot render", async () => {
  await expect(setting({}, { render: "mjml" as never })).rejects.toMatchObject({ name: "InvalidInputError" });
});
