import { describe, expect, it } from "vitest";
import { chooseTexts } from "./choose-texts.ts";
import { english } from "./english.ts";
import { swedish } from "./swedish.ts";
import type { Texts } from "./texts.ts";

/** Every text by its path; those with values are given marks for them. */
function textsIn(catalogue: object, path = ""): readonly (readonly [string, string])[] {
  return Object.entries(catalogue).flatMap(([key, value]: [string, unknown]) => {
    const at = `${path}/${key}`;
    if (typeof value === "function") {
      const marks = Array.from({ length: value.length }, (_, index) => `‹${index}›`);
      return [[at, (value as (...marks: string[]) => string)(...marks)] as const];
    }
    return typeof value === "object" && value !== null ? textsIn(value, at) : [[at, String(value)] as const];
  });
}

const inEnglish = textsIn(english);
const inSwedish = new Map(textsIn(swedish));

describe("the catalogues", () => {
  it("have the same texts, and none that is empty", () => {
    expect([...inSwedish.keys()].toSorted()).toEqual(inEnglish.map(([path]) => path).toSorted());
    expect(inEnglish.length).toBeGreaterThan(50);
    for (const [path, text] of [...inEnglish, ...inSwedish]) expect(text.trim(), path).not.toBe("");
  });

  it.each(inEnglish.filter(([path]) => path !== "/dir"))("differ: %s", (path, text) => {
    expect(inSwedish.get(path)).not.toBe(text);
  });

  it.each(inEnglish)("say the same values, each of them: %s", (path, text) => {
    const marksIn = (each: string) => [...each.matchAll(/‹\d›/g)].map(([mark]) => mark).toSorted();
    expect(marksIn(inSwedish.get(path) ?? "")).toEqual(marksIn(text));
  });

  it("say every value that they are given", () => {
    for (const [path, make] of functionsIn(english)) {
      const text = new Map(inEnglish).get(path) ?? "";
      for (let index = 0; index < make.length; index += 1) expect(text, path).toContain(`‹${index}›`);
    }
  });
});

function functionsIn(catalogue: object, path = ""): readonly (readonly [string, { length: number }])[] {
  return Object.entries(catalogue).flatMap(([key, value]: [string, unknown]) => {
    const at = `${path}/${key}`;
    if (typeof value === "function") return [[at, value] as const];
    return typeof value === "object" && value !== null ? functionsIn(value, at) : [];
  });
}

describe("the language", () => {
  const languages = [english, swedish] as const;
  const chosen = (accepted: string | null, query = "", from: readonly [Texts, ...Texts[]] = languages) =>
    chooseTexts(from, new URL(`https://acme.example/x${query}`), accepted).lang;

  it.each([
    [null, "en"],
    ["", "en"],
    ["sv", "sv"],
    ["SV", "sv"],
    ["sv-FI", "sv"],
    ["sv-SE,sv;q=0.9,en;q=0.8", "sv"],
    ["en;q=0.8, sv;q=0.9", "sv"],
    ["en, sv", "en"],
    ["de, sv;q=0.5", "sv"],
    ["de", "en"],
    ["*", "en"],
    ["sv;q=0", "en"],
    ["sv;q=x", "en"],
    ["svx", "en"],
    [",;,q=;;=", "en"],
    ["sv,".repeat(10_000), "sv"],
  ])("goes by Accept-Language %j: %s", (accepted, lang) => {
    expect(chosen(accepted)).toBe(lang);
  });

  it.each([
    ["?lang=sv", "sv"],
    ["?lang=SV-se", "sv"],
    ["?lang=de", "en"],
    ["?lang=", "en"],
    ["?lang=%E0%A4%A", "en"],
    ["?lang=en&lang=sv", "en"],
  ])("is chosen by %s", (query, lang) => {
    expect(chosen("en", query)).toBe(lang);
  });

  it("is the first that there is for everybody else", () => {
    expect(chosen("de", "", [swedish, english])).toBe("sv");
    expect(chosen("en", "", [swedish])).toBe("sv");
  });
});
