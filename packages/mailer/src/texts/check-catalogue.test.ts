import { describe, expect, it } from "vitest";
import { full, least, names } from "../../test/system-mail-data.ts";
import { english, swedish, systemMail, type Catalogue } from "../index.ts";
import { checkCatalogue, textsOf } from "./check-catalogue.ts";
import { placeholdersOf } from "./fill.ts";

const inEnglish = new Map(textsOf(english));
const inSwedish = new Map(textsOf(swedish));

/** A catalogue whose one text is another one, or none. */
function changed(catalogue: Catalogue, path: readonly string[], text: unknown): Catalogue {
  const copy = structuredClone(catalogue);
  const last = path.at(-1) ?? "";
  const room = path
    .slice(0, -1)
    .reduce<Record<string, unknown>>((at, key) => at[key] as Record<string, unknown>, copy as never);
  if (text === undefined) delete room[last];
  else room[last] = text;
  return copy;
}

describe("the catalogues", () => {
  it("have the same keys in every language", () => {
    expect([...inSwedish.keys()]).toEqual([...inEnglish.keys()]);
    expect(inEnglish.size).toBeGreaterThan(50);
  });

  it.each([...inEnglish.keys()])("say %s in words of their own, of the same values", (path) => {
    const texts = [inEnglish.get(path) ?? "", inSwedish.get(path) ?? ""];
    expect(texts[0]).not.toBe(texts[1]);
    expect(placeholdersOf(texts[0] ?? "")).toEqual(placeholdersOf(texts[1] ?? ""));
  });

  it("have no text that no mail says, and no placeholder that the data lacks", () => {
    const said = names.flatMap((name) => [full, least].map((data) => systemMail(name, marked(), data[name])));
    const letters = said.flatMap(({ subject, text }) => [subject, text]).join("\n");
    const silent = [...inEnglish.keys()].filter(
      (path) => !path.startsWith("rights.") && !letters.includes(`<${path}>`),
    );
    expect(silent).toEqual([]);
    expect(letters).not.toMatch(/[{}]|undefined|\[object/);
  });

  it.each([
    "access",
    "rectification",
    "erasure",
    "restriction",
    "portability",
    "objection",
    "withdrawal",
    "forget-tokens",
  ] as const)("name the right %s", (right) => {
    for (const [language, { rights }] of [
      ["en", english],
      ["sv", swedish],
    ] as const) {
      const { text } = systemMail("request-received", language, { ...full["request-received"], right });
      expect(text).toContain(rights[right]);
    }
  });
});

describe("another language", () => {
  it("is a whole catalogue, and its dates are in that language", () => {
    const finnish: Catalogue = { ...structuredClone(swedish), language: "fi" };
    const mail = systemMail("farewell", finnish, full.farewell);
    expect(mail).toMatchObject({ language: "fi", html: expect.stringContaining('lang="fi"') });
    expect(mail.text).toContain("1. joulukuuta 2026");
  });

  it("may be written from right to left", () => {
    const { html } = systemMail("farewell", { ...structuredClone(english), direction: "rtl" }, full.farewell);
    expect(html.match(/dir="rtl"/g)).toHaveLength(2);
  });

  it.each([
    ["a text less", ["mails", "farewell", "last"], undefined],
    ["a mail less", ["mails", "farewell"], undefined],
    ["a right less", ["rights", "access"], undefined],
    ["an empty text", ["mails", "farewell", "last"], ""],
    ["a text more", ["mails", "farewell", "more"], "More"],
    ["a placeholder less", ["mails", "farewell", "erased"], "Erased."],
    ["a placeholder that there is no value for", ["mails", "farewell", "last"], "Bye, {name}."],
    ["a language that is none", ["language"], "English!"],
    ["a locale that is none", ["locale"], "_"],
  ])("is refused with %s", (_, path, text) => {
    const refused = changed(english, path, text);
    expect(() => systemMail("farewell", refused, full.farewell)).toThrow(
      expect.objectContaining({
        name: "InvalidInputError",
        issues: [expect.objectContaining({ path: expect.stringContaining(path[0] ?? "") })],
      }),
    );
  });

  it("is read once", () => {
    const own = structuredClone(english);
    expect(checkCatalogue(own)).toBe(checkCatalogue(own));
  });
});

/** English, each text with its path before it. */
function marked(): Catalogue {
  let copy = structuredClone(english);
  for (const [path, text] of textsOf(english)) copy = changed(copy, path.split("."), `<${path}>${text}`);
  return copy;
}
