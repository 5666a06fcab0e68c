import type { Texts } from "./texts.ts";

/** All languages there are, the one for everybody else first. */
export type Languages = readonly [Texts, ...Texts[]];

/** The texts that a person reads best: `?lang=` of the address, then `Accept-Language` (RFC 9110 12.5.4). */
export function chooseTexts(languages: Languages, url: URL, accepted: string | null): Texts {
  const wished = [url.searchParams.get("lang") ?? "", ...inOrder(accepted ?? "")];
  for (const wish of wished) {
    const found = languages.find(({ lang }) => lang.toLowerCase() === wish) ?? languages.find(isIn(wish));
    if (found !== undefined) return found;
  }
  return languages[0];
}

/** `sv-FI` is read by whoever reads `sv`, and the other way round. */
const isIn =
  (wish: string) =>
  ({ lang }: Texts): boolean =>
    primary(lang) === primary(wish);

const primary = (tag: string): string => (tag.split("-", 1)[0] ?? "").toLowerCase();

/** The languages of the header, the best liked first. One that is not liked at all (`q=0`) is left out. */
function inOrder(accepted: string): readonly string[] {
  return accepted
    .split(",", 20)
    .map((part) => {
      const [tag = "", ...parameters] = part.split(";").map((each) => each.trim().toLowerCase());
      const q = parameters.find((each) => each.startsWith("q="))?.slice(2);
      return { tag, q: q === undefined ? 1 : Number(q) };
    })
    .filter(({ tag, q }) => tag !== "" && q > 0)
    .toSorted((one, other) => other.q - one.q)
    .map(({ tag }) => tag);
}
