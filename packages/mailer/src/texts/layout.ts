import { html, type Html } from "../html.ts";

/** One thing after another in a mail: a paragraph, a link to follow, or a list. */
export type Piece = { readonly text: string; readonly link?: string } | { readonly list: readonly string[] };

/** A mail in words, before it is text or html. Links are proven already. */
export interface Letter {
  readonly language: string;
  readonly direction: "ltr" | "rtl";
  readonly subject: string;
  readonly heading: string;
  readonly pieces: readonly Piece[];
  readonly sender: string;
  /** What stands before the contact. */
  readonly questions: string;
  readonly contact: string;
}

export function textOf({ heading, pieces, sender, questions, contact }: Letter): string {
  const paragraphs = pieces.map((piece) => {
    if ("list" in piece) return piece.list.map((item) => `- ${item}`).join("\n");
    return piece.link === undefined ? piece.text : `${piece.text}:\n${piece.link}`;
  });
  return `${[heading, ...paragraphs, `${sender}\n${questions} ${contact}`].join("\n\n")}\n`;
}

const style = {
  mail: "max-width:36rem;margin:0 auto;padding:1.5rem 1rem;font:1.125rem/1.5 system-ui,sans-serif;color:#1a1a1a;background:#ffffff",
  heading: "font-size:1.5rem;line-height:1.25",
  button:
    "display:inline-block;padding:0.75rem 1.25rem;color:#ffffff;background:#0b5394;border-radius:4px;text-decoration:none",
  footer: "margin-top:2rem;font-size:1rem;color:#4d4d4d",
  contact: "color:#0b5394",
} as const;

/** A whole document. The language is said twice, since some mail programs show the body's content alone. */
export function htmlOf(letter: Letter): string {
  const { language, direction, subject, heading, pieces, sender, questions, contact } = letter;
  const target = contact.includes("://")
    ? contact
    : `mailto:${contact.replaceAll(/[^\w.@+-]/g, encodeURIComponent)}`;
  return html`<!doctype html>
    <html lang="${language}" dir="${direction}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${subject}</title>
      </head>
      <body style="margin:0">
        <div
          role="article"
          aria-label="${subject}"
          lang="${language}"
          dir="${direction}"
          style="${style.mail}"
        >
          <h1 style="${style.heading}">${heading}</h1>
          ${pieces.map(pieceOf)}
          <p style="${style.footer}">
            ${sender}<br />${questions} <a href="${target}" style="${style.contact}">${contact}</a>
          </p>
        </div>
      </body>
    </html> `.html.trimEnd();
}

function pieceOf(piece: Piece): Html {
  if ("list" in piece) {
    return html`<ul>
      ${piece.list.map((item) => html`<li>${item}</li>`)}
    </ul>`;
  }
  if (piece.link === undefined) return html`<p>${piece.text}</p>`;
  return html`<p><a href="${piece.link}" style="${style.button}">${piece.text}</a></p>`;
}
