import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openShop } from "../../test/shop.ts";
import { InvalidInputError } from "../errors/invalid-input-error.ts";
import { parseIdentifier } from "./parse-identifier.ts";

const canonical = (value: string, kind = "email") => parseIdentifier(kind, value).canonical;

function refusalOf(kind: string, value: unknown): InvalidInputError {
  try {
    parseIdentifier(kind, value);
  } catch (error) {
    if (error instanceof InvalidInputError) return error;
    throw error;
  }
  return expect.fail("it was read");
}

describe("an e-mail address", () => {
  it.each([
    ["anna@example.org", "anna@example.org", "anna@example.org"],
    ["  anna@example.org\n", "anna@example.org", "anna@example.org"],
    ["Anna.Berg@Example.ORG", "Anna.Berg@example.org", "anna.berg@example.org"],
    ["anna+shop@example.org", "anna+shop@example.org", "anna+shop@example.org"],
    ["o'neil_{x}#1@example.org", "o'neil_{x}#1@example.org", "o'neil_{x}#1@example.org"],
    ["anna@bücher.example", "anna@xn--bcher-kva.example", "anna@xn--bcher-kva.example"],
    ["anna@BÜCHER.example", "anna@xn--bcher-kva.example", "anna@xn--bcher-kva.example"],
    ["anna@bu\u0308cher.example", "anna@xn--bcher-kva.example", "anna@xn--bcher-kva.example"],
    ["anna@xn--bcher-kva.example", "anna@xn--bcher-kva.example", "anna@xn--bcher-kva.example"],
    ["anna@faß.example", "anna@xn--fa-hia.example", "anna@xn--fa-hia.example"],
    ["anna@例え。テスト", "anna@xn--r8jz45g.xn--zckzah", "anna@xn--r8jz45g.xn--zckzah"],
    ["Jörg@example.org", "Jörg@example.org", "jörg@example.org"],
    ["Jo\u0308rg@example.org", "Jörg@example.org", "jörg@example.org"],
    ["संपर्क@example.org", "संपर्क@example.org", "संपर्क@example.org"],
    [`${"a".repeat(64)}@example.org`, `${"a".repeat(64)}@example.org`, `${"a".repeat(64)}@example.org`],
  ])("%j is read as %j, and compared as %j", (given, value, compared) => {
    expect(parseIdentifier("email", given)).toEqual({
      kind: "email",
      value,
      written: given.trim(),
      canonical: compared,
    });
  });

  it("of a tag or a dot is another address", () => {
    expect(canonical("anna+shop@example.org")).not.toBe(canonical("anna@example.org"));
    expect(canonical("an.na@example.org")).not.toBe(canonical("anna@example.org"));
  });

  it.each([
    ["a list", "anna@example.org, ben@example.org"],
    ["a list without a space", "anna@example.org,ben@example.org"],
    ["a list with a semicolon", "anna@example.org;ben@example.org"],
    ["a display name", "Anna Berg <anna@example.org>"],
    ["angle brackets", "<anna@example.org>"],
    ["a quoted local part", '"anna"@example.org'],
    ["a quoted local part with a space", '"anna berg"@example.org'],
    ["a comment", "anna(work)@example.org"],
    ["a scheme", "mailto:anna@example.org"],
    ["a header behind CRLF", "anna@example.org\r\nBcc: ben@example.org"],
    ["a header behind LF", "anna@example.org\nBcc: ben@example.org"],
    ["CRLF in the local part", "an\r\nna@example.org"],
    ["a null byte", "anna\0@example.org"],
    ["a null byte at the end", "anna@example.org\0"],
    ["a tab in the domain", "anna@exa\tmple.org"],
    ["a zero-width joiner", "an\u200Dna@example.org"],
    ["a right-to-left mark", "anna\u200F@example.org"],
    ["a soft hyphen", "an\u00ADna@example.org"],
    ["65 octets before the @", `${"a".repeat(65)}@example.org`],
    ["65 octets in fewer characters", `${"ö".repeat(33)}@example.org`],
    ["255 octets", `${"a".repeat(60)}@${"b".repeat(60)}.${"c".repeat(60)}.${"d".repeat(60)}.example.org`],
    ["a label of 64 octets", `anna@${"b".repeat(64)}.org`],
    ["a trailing dot", "anna@example.org."],
    ["two dots", "anna..berg@example.org"],
    ["a dot first", ".anna@example.org"],
    ["a dot before the @", "anna.@example.org"],
    ["an empty label", "anna@example..org"],
    ["no local part", "@example.org"],
    ["no domain", "anna@"],
    ["no @", "anna.example.org"],
    ["two @", "anna@home@example.org"],
    ["a space", "anna berg@example.org"],
    ["a domain without a dot", "anna@localhost"],
    ["a hyphen first in a label", "anna@-example.org"],
    ["an underscore in the domain", "anna@exam_ple.org"],
    ["a path", "anna@example.org/ben"],
    ["a query", "anna@example.org?to=ben"],
    ["a fragment", "anna@example.org#ben"],
    ["a backslash", "anna@example.org\\ben"],
    ["a port", "anna@example.org:25"],
    ["percent-encoding", "anna@ex%61mple.org"],
    ["an address literal", "anna@[127.0.0.1]"],
    ["an IP address", "anna@127.0.0.1"],
    ["a number that an IP address hides in", "anna@0x7f.1"],
    ["nothing", ""],
    ["spaces", "   "],
  ])("is refused with %s", (_what, given) => {
    expect(refusalOf("email", given).code).toBe("unparsable-identifier");
  });

  it.each([undefined, null, 42, {}, [], ["anna@example.org"], true])("is refused when it is %j", (given) => {
    expect(refusalOf("email", given).message).toContain("not a string");
  });

  it("is never quoted by the refusal, whatever was given", () => {
    const canary = fc.constantFrom(
      "canary.anna@",
      "@canary.example",
      "canary anna",
      "<canary>",
      "canary\r\n",
    );
    fc.assert(
      fc.property(
        fc.constantFrom("email", "phone", "accountId"),
        fc.tuple(fc.string(), canary, fc.string()).map((parts) => parts.join("")),
        (kind, given) => {
          let error: unknown;
          try {
            parseIdentifier(kind, given);
          } catch (caught) {
            error = caught;
          }
          const seen = inspect(error, { depth: Infinity, showHidden: true });
          expect(seen.replaceAll(/^ +at .*$/gm, "")).not.toContain("canary");
        },
      ),
    );
  });

  it("is the same person in any letter case, and reads as itself when read again", () => {
    const local = fc.stringMatching(/^[A-Za-z0-9åäöéÅÄÖÉ+_-]{1,20}$/);
    const name = fc.stringMatching(/^[A-Za-z0-9åäöÅÄÖ]{1,15}$/);
    fc.assert(
      fc.property(local, name, (before, after) => {
        const written = `${before}@${after}.example`;
        const { value, canonical: compared } = parseIdentifier("email", written);
        for (const same of [written.toUpperCase(), written.toLowerCase(), written.normalize("NFD"), value])
          expect(canonical(same)).toBe(compared);
        expect(parseIdentifier("email", value).value).toBe(value);
        expect(canonical(compared)).toBe(compared);
      }),
    );
  });

  it("never gains or loses a person: what is read has the local part that was given", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        let value: string | undefined;
        try {
          value = parseIdentifier("email", text).value;
        } catch {
          return;
        }
        expect(value).not.toMatch(/[\s,;<>"]/);
        expect(value.split("@")).toHaveLength(2);
        expect(value.split("@")[0]).toBe(text.trim().normalize("NFC").split("@")[0]);
      }),
    );
  });
});

describe("a telephone number", () => {
  it.each([
    ["+46 8 123 456", "+468123456"],
    ["+46-(8)-123.456", "+468123456"],
    ["+1 202 555 0100", "+12025550100"],
  ])("%j is read as %j", (given, value) => {
    expect(parseIdentifier("phone", given)).toEqual({
      kind: "phone",
      value,
      written: given.trim(),
      canonical: value,
    });
  });

  it.each([
    "08 123 456",
    "0046 8 123 456",
    "+46 (0)8 123 456",
    "+0 8 123 456",
    "+46 8 123",
    "+4681234567890123",
    "+46 8 CALL ME",
    "+46 8 123 456, +46 8 123 457",
    "+٤٦٨١٢٣٤٥٦",
    "",
  ])("%j is refused: it is no one number that everybody dials alike", (given) => {
    expect(refusalOf("phone", given).message).toContain("E.164");
  });
});

describe("any other identifier", () => {
  it("is kept as it is, trimmed and in NFC", () => {
    expect(parseIdentifier("accountId", " Kund-Jo\u0308rg ")).toEqual({
      kind: "accountId",
      value: "Kund-Jörg",
      written: "Kund-Jo\u0308rg",
      canonical: "Kund-Jörg",
    });
    expect(canonical("A1", "accountId")).not.toBe(canonical("a1", "accountId"));
  });

  it.each(["", "  ", "x".repeat(257), "a\0b", "a\nb", "a\u200Bb"])("is refused as %j", (given) => {
    expect(refusalOf("accountId", given)).toBeInstanceOf(InvalidInputError);
  });
});

describe("a subject", () => {
  const { heed } = openShop();
  const record = (text: string) => heed.subjects.record({ subject: JSON.parse(text) as { email: string } });

  it.each([
    '{"__proto__": "anna@example.org"}',
    '{"__proto__": {"email": "anna@example.org"}}',
    '{"constructor": "anna@example.org"}',
    '{"toString": "anna@example.org"}',
    '{"email": "anna@example.org", "__proto__": "x"}',
    '{"heedSubject": "anna"}',
    '{"Email": "anna@example.org"}',
  ])("with a kind that nobody declared is refused: %s", async (text) => {
    await expect(record(text)).rejects.toMatchObject({ code: "unknown-identifier-kind" });
  });

  it.each(['{"email": 42}', '{"email": null}', '{"email": {"0": "x"}}', '{"email": [["anna@example.org"]]}'])(
    "with a value that is no text is refused: %s",
    async (text) => {
      await expect(record(text)).rejects.toMatchObject({ code: "unparsable-identifier" });
    },
  );

  it.each(["{}", '{"email": []}'])("that names nobody is refused: %s", async (text) => {
    await expect(record(text)).rejects.toMatchObject({ name: "InvalidInputError" });
  });
});
