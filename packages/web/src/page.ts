import { createHash } from "node:crypto";

/** The style of every page. Where two buttons stand together they look alike, unless one is marked as the other. */
export const style =
  "body{font:1.125rem/1.5 system-ui,sans-serif;max-width:36rem;margin:3rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}" +
  "button{font:inherit;display:block;min-height:44px;margin:1rem 0;padding:.5rem 1.25rem;cursor:pointer;" +
  "color:#fff;background:#0b5394;border:2px solid #0b5394;border-radius:4px}" +
  "button.other{color:#0b5394;background:#fff}" +
  "a{color:#0b5394;display:inline-block;min-height:44px;line-height:44px}" +
  "nav ul{list-style:none;padding:0}" +
  ":focus-visible{outline:3px solid #b45f06;outline-offset:2px}";

/** No script, no picture, no frame, nothing of anybody else; the token in the address stays here. */
const headers: Readonly<Record<string, string>> = {
  "Cache-Control": "no-store",
  "Content-Security-Policy":
    `default-src 'none'; style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'; ` +
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  "Referrer-Policy": "no-referrer",
  Vary: "Accept-Language",
  "X-Content-Type-Options": "nosniff",
  "X-Robots-Tag": "noindex",
};

/** Html that is safe to show. */
export interface Html {
  readonly html: string;
}

/** Whole, because its hash counts every blank. */
const styleElement: Html = { html: `<style>${style}</style>` };

/** Makes html; every value that is not html already is escaped. */
export function html(parts: TemplateStringsArray, ...values: readonly (string | Html)[]): Html {
  const shown = values.map((value) => (typeof value === "string" ? escape(value) : value.html));
  return { html: parts.reduce((text, part, index) => text + (shown[index - 1] ?? "") + part) };
}

function escape(value: string): string {
  const entities: Readonly<Record<string, string>> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
  };
  return value.replaceAll(/[&<>"']/g, (character) => entities[character] ?? character);
}

/** A whole page, for people, with one heading. */
export function page(
  status: number,
  language: { readonly lang: string; readonly dir: string },
  heading: string,
  content: Html,
  extra: Readonly<Record<string, string>> = {},
): Response {
  const document = html`<!doctype html>
    <html lang="${language.lang}" dir="${language.dir}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${heading}</title>
        ${styleElement}
      </head>
      <body>
        <main>
          <h1>${heading}</h1>
          ${content}
        </main>
      </body>
    </html> `;
  return new Response(document.html, {
    status,
    headers: {
      ...headers,
      ...extra,
      "Content-Type": "text/html; charset=utf-8",
      "Content-Language": language.lang,
    },
  });
}

/** A line of plain text, for machines. */
export function plain(status: number, text: string, extra: Readonly<Record<string, string>> = {}): Response {
  return new Response(`${text}\n`, {
    status,
    headers: { ...headers, ...extra, "Content-Type": "text/plain; charset=utf-8" },
  });
}
