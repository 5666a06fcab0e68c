import { refuse, parse } from "../parse.ts";
import type { Message } from "../outgoing.ts";
import { refuseLink } from "../unsubscribe-link.ts";
import type { Catalogue } from "./catalogue.ts";
import { checkCatalogue } from "./check-catalogue.ts";
import { english } from "./english.ts";
import { fill } from "./fill.ts";
import { htmlOf, textOf, type Piece } from "./layout.ts";
import { spokenDate } from "./spoken-date.ts";
import { swedish } from "./swedish.ts";
import { systemMails, type SystemMailName, type SystemMails } from "./system-mails.ts";

/** The languages that heed's own mails are written in. */
export type Language = "en" | "sv";

const catalogues: Readonly<Record<Language, Catalogue>> = { en: english, sv: swedish };

/**
 * Writes one of heed's own mails, ready for `send` with a topic that is not marketing. Text and html say the same;
 * the html is whole, accessible, and fetches nothing.
 *
 * @param language one of heed's, or a whole {@link Catalogue} of another
 * @param options.timeZone IANA: in which instants are told. Default `"UTC"`
 * @throws InvalidInputError when the data, the catalogue or the time zone cannot be used; it quotes no value
 */
export function systemMail<Name extends SystemMailName>(
  name: Name,
  language: Language | Catalogue,
  data: SystemMails[Name],
  options: { readonly timeZone?: string } = {},
): Required<Omit<Message, "headers">> {
  const catalogue = catalogueOf(language);
  if (!Object.hasOwn(systemMails, name)) throw refuse("mail", "name", "there is no such mail");
  const mail = systemMails[name];
  const parsed = parse(mail.data, data, `data of the mail ${name}`);
  const texts: Readonly<Record<string, string>> = catalogue.mails[name];
  const say = (key: string, own: object = {}): string =>
    fill(texts[key] ?? "", spoken({ ...parsed, ...own }, catalogue, options.timeZone ?? "UTC"));

  const pieces = mail.blocks(parsed).map((block): Piece => {
    if (typeof block !== "object") return { text: say(block) };
    if ("link" in block) return { text: say(block.text), link: block.link };
    return {
      list: block.list.map((item) => (typeof item === "string" ? item : say(item.text, item.values))),
    };
  });
  const subject = say("subject");
  const letter = {
    language: catalogue.language,
    direction: catalogue.direction,
    subject,
    heading: say("heading"),
    pieces,
    sender: fill(catalogue.footer.sender, { controller: parsed.controller }),
    questions: catalogue.footer.contact,
    contact: parsed.contact,
  };
  const message = { subject, text: textOf(letter), html: htmlOf(letter), language: catalogue.language };
  refuseLink(message);
  return message;
}

function catalogueOf(language: Language | Catalogue): Catalogue {
  if (typeof language === "object") return checkCatalogue(language);
  if (!Object.hasOwn(catalogues, language)) throw refuse("mail", "language", "there is no catalogue for it");
  return catalogues[language];
}

/** Data as it is said: dates in words, rights by their names. */
function spoken(
  data: Readonly<Record<string, unknown>>,
  { rights, locale, language }: Catalogue,
  timeZone: string,
): Record<string, string> {
  const names: Readonly<Record<string, string>> = rights;
  const said = Object.entries(data).flatMap(([name, value]): [string, string][] => {
    if (typeof value !== "string") return [];
    if (name === "right") return [[name, names[value] ?? value]];
    return [[name, spokenDate(name, value, locale ?? language, timeZone) ?? value]];
  });
  return Object.fromEntries(said);
}
