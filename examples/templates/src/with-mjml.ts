import { UNSUBSCRIBE_PLACEHOLDER } from "@heed/mailer";
import mjml2html from "mjml";
import { words, type Language, type RenderDigest, type Templates } from "./digest.ts";

/** MJML is a text like any other, and escapes nothing by itself. */
const escape = (value: string): string =>
  value.replaceAll(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);

function digest({ name, articles }: Templates["digest"], language: Language): string {
  const say = words[language];
  const links = articles.map(({ title, link }) => `<li><a href="${escape(link)}">${escape(title)}</a></li>`);
  return `
    <mjml lang="${language}" dir="ltr">
      <mj-head>
        <mj-title>${escape(say.subject)}</mj-title>
        <mj-attributes><mj-all font-size="16px" line-height="1.5" /></mj-attributes>
      </mj-head>
      <mj-body>
        <mj-section>
          <mj-column>
            <mj-text><h1>${escape(say.greeting(name))}</h1></mj-text>
            <mj-text><ul>${links.join("")}</ul></mj-text>
            <mj-text>${escape(say.why)} <a href="${UNSUBSCRIBE_PLACEHOLDER}">${escape(say.stop)}</a></mj-text>
          </mj-column>
        </mj-section>
      </mj-body>
    </mjml>`;
}

/** MJML behind the port. It makes html alone, so the text is written beside it. */
export const withMjml: RenderDigest = async (_name, language, data) => {
  const say = words[language];
  // Without fonts of its own: a message that fetches anything tells who reads it, and when.
  const { html } = await mjml2html(digest(data, language), { validationLevel: "strict", fonts: {} });
  const articles = data.articles.map(({ title, link }) => `* ${title}\n  ${link}`);
  const stop = `${say.why}\n${say.stop}: ${UNSUBSCRIBE_PLACEHOLDER}`;
  return { subject: say.subject, text: [say.greeting(data.name), ...articles, stop].join("\n\n"), html };
};
