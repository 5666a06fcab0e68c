import { nameOf } from "./name-of.ts";
import { html, page, plain, type Html } from "./page.ts";
import { readForm, type Form } from "./read-form.ts";
import { chooseTexts, type Languages } from "./texts/choose-texts.ts";
import { english } from "./texts/english.ts";
import { swedish } from "./texts/swedish.ts";
import type { Texts } from "./texts/texts.ts";

/** Titles of topics and purposes, by name, and where there are several by language: `{ news: { en: "news", sv: "nyheter" } }`. */
export type Titles = Readonly<Record<string, string | Readonly<Record<string, string>>>>;

/** What every handler of links takes. */
export interface LinkPageOptions {
  /** The company's name, as people know it. */
  readonly controller: string;
  /** Where somebody whose link does not work can write to. */
  readonly contact?: string;
  /**
   * The languages of the pages, the one for everybody else first. `?lang=` chooses, then `Accept-Language`. Default:
   * {@link english}, {@link swedish}.
   */
  readonly languages?: Languages;
  /**
   * What people call topics and purposes, by their names: one title, or one for each language. Default, and for a language
   * that has none: what the link says, the policy's `title`.
   */
  readonly titles?: Titles;
  /**
   * Finds the token in the address. Default: the last part of the path, without the `>` or `.` that mail programs take
   * for a part of a link; no token ends with either, and what is left must be authentic all the same.
   */
  readonly token?: (url: URL) => string | undefined;
  /** How long a body may take to arrive. Default 10,000. */
  readonly bodyTimeoutMs?: number;
  /** Is told of each choice that could not be recorded: name and code of an error of heed's own, `Error` for any other. Must not throw. */
  readonly logger?: { warn(fields: Readonly<Record<string, string>>, message: string): void };
}

export const linkPageKeys = {
  controller: true,
  contact: true,
  languages: true,
  titles: true,
  token: true,
  bodyTimeoutMs: true,
  logger: true,
} as const;

/** What people call a topic or purpose, in the language of the page; undefined where nobody said. */
export function titleIn({ lang }: Texts, titles: Titles = {}, name = ""): string | undefined {
  const title = Object.hasOwn(titles, name) ? titles[name] : undefined;
  if (typeof title !== "object") return title;
  return Object.hasOwn(title, lang) ? title[lang] : undefined;
}

type Fields = Extract<Form, { fields: unknown }>["fields"];

/** What one kind of link does. */
export interface LinkPage<Wish> {
  /** What a form asks for; undefined when nothing, or more than one thing. */
  wishOf(fields: Fields): Wish | undefined;
  /** Says what is missing then. */
  readonly noWish: string;
  /** What the logger is told. */
  readonly warning: string;
  /** Shows the page, or with a wish carries it out; undefined when the token is not authentic. */
  answer(about: {
    readonly token: string;
    readonly wish: Wish | undefined;
    readonly texts: Texts;
  }): Promise<Shown | Response | undefined>;
}

/** One page. */
export interface Shown {
  readonly status: number;
  readonly heading: string;
  readonly content: Html;
}

/**
 * Serves links that people follow, and scanners: `GET` and `HEAD` show and change nothing, a `POST` counts on its
 * token alone. Never throws.
 */
export function linkPages<Wish>(
  options: LinkPageOptions,
  link: LinkPage<Wish>,
): (request: Request) => Promise<Response> {
  const { controller, contact, languages = [english, swedish], logger } = options;
  if (typeof controller !== "string") {
    throw new TypeError("A page needs `controller`, the company's name as people know it");
  }
  const { token: findToken = lastSegment, bodyTimeoutMs = 10_000 } = options;

  async function answer(request: Request, url: URL, texts: Texts): Promise<Response> {
    const isPost = request.method === "POST";
    if (!isPost && request.method !== "GET" && request.method !== "HEAD") {
      return plain(405, "Method not allowed", { Allow: "GET, HEAD, POST" });
    }
    const form = isPost ? await readForm(request, bodyTimeoutMs) : undefined;
    if (form && "problem" in form) return plain(form.problem, problems[form.problem]);
    const wish = form && link.wishOf(form.fields);
    if (form && wish === undefined) return plain(400, link.noWish);

    const token = findToken(url);
    const isToken = token !== undefined && tokenShape.test(token);
    const shown = isToken ? await link.answer({ token, wish, texts }) : undefined;
    if (shown instanceof Response) return shown;
    const { status, heading, content } = shown ?? unknown(texts);
    const more = isPost ? "" : otherLanguages(languages, texts, url);
    return page(status, texts, heading, html`${content}${contactLine(status, texts)}${more}`);
  }

  function unknown(texts: Texts): Shown {
    return { status: 404, heading: texts.unknownHeading, content: html`<p>${texts.unknown}</p>` };
  }

  /** Whoever cannot go on here is told where else to. */
  function contactLine(status: number, { writeTo }: Texts): Html | "" {
    if (!contact || status < 400) return "";
    return html`<p>${writeTo} <a href="mailto:${contact}">${contact}</a></p>`;
  }

  return async (request) => {
    let texts: Texts = languages[0];
    try {
      const url = new URL(request.url);
      texts = chooseTexts(languages, url, request.headers.get("accept-language"));
      const response = await answer(request, url, texts);
      return request.method === "HEAD" ? new Response(null, response) : response;
    } catch (error) {
      logger?.warn(nameOf(error), link.warning);
      return page(503, texts, texts.unavailableHeading, html`<p>${texts.unavailable}</p>`, {
        "Retry-After": "60",
      });
    }
  };
}

/** The same page in the other languages. */
function otherLanguages(languages: Languages, shown: Texts, url: URL): Html | "" {
  const others = languages.filter((texts) => texts !== shown);
  if (others.length === 0) return "";
  const links = others.map(({ lang, name }) => {
    const query = new URLSearchParams(url.search);
    query.set("lang", lang);
    return html`<li><a href="?${query.toString()}" hreflang="${lang}" lang="${lang}">${name}</a></li>`;
  });
  return html`<nav>
    <ul>
      ${joined(links)}
    </ul>
  </nav>`;
}

/** One after another. */
const joined = (parts: readonly Html[]): Html => ({
  html: parts.map((part) => part.html).join(""),
});

/** A list of names. */
export const listOf = (names: readonly string[]): Html =>
  html`<ul>
    ${joined(names.map((name) => html`<li>${name}</li>`))}
  </ul>`;

const problems = { 400: "Bad request", 408: "Request timeout", 413: "Content too large" } as const;

/** Anything else is no token, and nobody needs to be asked. */
const tokenShape = /^[A-Za-z0-9._-]{1,128}$/;

function lastSegment({ pathname }: URL): string | undefined {
  const last = pathname.split("/").findLast(Boolean);
  return last !== undefined && last.length <= 256 ? last.replace(/(?:%3e|[>.])+$/i, "") : undefined;
}
