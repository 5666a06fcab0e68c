import axe from "axe-core";
import { JSDOM } from "jsdom";
import { describe, expect, it } from "vitest";
import { everyPage } from "../test/every-page.ts";
import { style } from "./page.ts";

interface Findings {
  readonly violations: readonly {
    readonly id: string;
    readonly nodes: readonly { readonly html: string }[];
  }[];
  readonly passes: readonly { readonly id: string }[];
}

/** What axe finds in a page. Colours and sizes need a layout, which there is none of here: see below. */
async function findingsIn(html: string): Promise<Findings> {
  const { window } = new JSDOM(html, { url: "https://acme.example/", runScripts: "outside-only" });
  window.eval(axe.source);
  const options = '{ rules: { "color-contrast": { enabled: false } } }';
  const findings = (await window.eval(`axe.run(document, ${options})`)) as Findings;
  window.close();
  return findings;
}

describe.each(["en", "sv"])("a page in %s", (lang) => {
  it.each(everyPage)("is accessible: %s", async (_name, ask) => {
    const html = await (await ask(lang)).text();
    const { violations, passes } = await findingsIn(html);
    expect(violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)])).toEqual([]);
    expect(passes.map(({ id }) => id)).toEqual(
      expect.arrayContaining(["html-has-lang", "document-title", "region"]),
    );
    expect(html).toMatch(new RegExp(`^<!doctype html>\\s*<html lang="${lang}" dir="ltr">`));
    expect([html.match(/<h1>/g), html.match(/<main>/g)]).toEqual([["<h1>"], ["<main>"]]);
    expect(html).not.toMatch(/<script|<img|<iframe|https?:| on[a-z]+=|undefined|\[object/i);
  });
});

it("is told from one that is not", async () => {
  const { violations } = await findingsIn("<!doctype html><html><body><button></button></body></html>");
  expect(violations.map(({ id }) => id)).toEqual(expect.arrayContaining(["html-has-lang", "button-name"]));
});

/** The declarations of each rule, by selector. */
const rules = new Map(
  [...style.matchAll(/([^{}]+)\{([^}]*)\}/g)].map(([, selector = "", body = ""]) => [
    selector,
    new Map(body.split(";").map((each) => each.split(":", 2) as [string, string])),
  ]),
);

const valueOf = (selector: string, property: string): string => rules.get(selector)?.get(property) ?? "";

/** Relative luminance (WCAG 2.2). */
function luminance(colour: string): number {
  const hex = /^#([0-9a-f]{3}|[0-9a-f]{6})$/.exec(colour)?.[1];
  if (hex === undefined) throw new Error(`no colour: ${colour}`);
  const parts =
    hex.length === 3 ? (hex.match(/./g) ?? []).map((digit) => digit + digit) : (hex.match(/../g) ?? []);
  const [red = 0, green = 0, blue = 0] = parts.map((part) => {
    const value = Number.parseInt(part, 16) / 255;
    return value <= 0.040_45 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].toSorted((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

describe("the style", () => {
  const paper = valueOf("body", "background");

  it("computes contrast as WCAG does", () => {
    expect(contrast("#000", "#ffffff")).toBe(21);
    expect(contrast("#777", "#fff")).toBeCloseTo(4.48, 2);
  });

  it.each([
    ["text", valueOf("body", "color"), paper],
    ["a button", valueOf("button", "color"), valueOf("button", "background")],
    ["the other button", valueOf("button.other", "color"), valueOf("button.other", "background")],
    ["a link", valueOf("a", "color"), paper],
  ])("has the contrast of AA: %s", (_what, front, back) => {
    expect(contrast(front, back)).toBeGreaterThanOrEqual(4.5);
  });

  it.each([
    ["the focus", /solid (#\w+)/.exec(valueOf(":focus-visible", "outline"))?.[1] ?? ""],
    ["a button's border", /solid (#\w+)/.exec(valueOf("button", "border"))?.[1] ?? ""],
  ])("is seen beside the paper: %s", (_what, colour) => {
    expect(contrast(colour, paper)).toBeGreaterThanOrEqual(3);
  });

  it("gives a finger 44 pixels, and shows the focus on whatever has it", () => {
    for (const selector of ["button", "a"])
      expect(Number.parseInt(valueOf(selector, "min-height"), 10), selector).toBeGreaterThanOrEqual(44);
    expect(Number.parseInt(valueOf(":focus-visible", "outline"), 10)).toBeGreaterThanOrEqual(2);
    expect(style).not.toMatch(/outline:\s*(none|0)/);
  });

  it("knows no other colours than those that are computed here", () => {
    const coloured = [...rules].filter(([, body]) => body.has("color") || body.has("background"));
    expect(coloured.map(([selector]) => selector)).toEqual(["body", "button", "button.other", "a"]);
  });
});
