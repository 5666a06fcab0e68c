import { UNSUBSCRIBE_PLACEHOLDER } from "@heed/mailer";
import { plainTextSelectors, render, toPlainText } from "@react-email/render";
import { words, type Language, type RenderDigest, type Templates } from "./digest.ts";

/** The templates as components. React escapes what is put into them. */
function Digest({ name, articles, language }: Templates["digest"] & { language: Language }) {
  const say = words[language];
  return (
    <html lang={language}>
      <head>
        <title>{say.subject}</title>
      </head>
      <body style={{ fontFamily: "system-ui, sans-serif" }}>
        <h1>{say.greeting(name)}</h1>
        <ul>
          {articles.map(({ title, link }) => (
            <li key={link}>
              <a href={link}>{title}</a>
            </li>
          ))}
        </ul>
        <p>
          {say.why} <a href={UNSUBSCRIBE_PLACEHOLDER}>{say.stop}</a>
        </p>
      </body>
    </html>
  );
}

/** A heading is written as it is: in capitals a name would be another one. */
const selectors = [...plainTextSelectors, { selector: "h1", options: { uppercase: false } }];

/** react-email behind the port: one component makes both parts. */
export const withReactEmail: RenderDigest = async (_name, language, data) => {
  const html = await render(<Digest {...data} language={language} />);
  return { subject: words[language].subject, text: toPlainText(html, { selectors }), html };
};
