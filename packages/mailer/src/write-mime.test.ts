import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compile } from "./compose.ts";
import { writeMime } from "./write-mime.ts";

const compiled = (message: { subject: string; text: string; html?: string }) =>
  compile({
    from: { name: "Åcme", address: "news@acme.example" },
    to: "anna@dest.example",
    message,
    messageId: "<1@acme.example>",
    at: new Date("2026-11-21T10:00:00Z"),
    own: {
      "List-Unsubscribe": { prepared: true, value: "<https://acme.example/u>,\r\n <mailto:a@b.example>" },
    },
  });

/** Boundaries are random; everything else is not. */
const withoutBoundary = (raw: Buffer): string =>
  raw.toString("latin1").replaceAll(/--_NmP-[\w-]+?-Part_\d+/g, "BOUNDARY");

/** Soft line breaks (RFC 2045, 6.7): nodemailer's stream makes some of them elsewhere than its own function does. */
const unfolded = (written: string): string => written.replaceAll("=\r\n", "");

const line = fc.oneof(
  fc.constantFrom(
    "",
    ".",
    "..",
    " ",
    "\t",
    "-- ",
    "From me",
    "=",
    "=20",
    "--_NmP-",
    "x".repeat(76),
    "x".repeat(77),
  ),
  fc.string({ maxLength: 120 }),
  fc.string({ unit: "grapheme", maxLength: 400 }),
  fc.string({ unit: fc.constantFrom("å", " ", "=", "x", "👩", "\u0000", "\t"), maxLength: 200 }),
);
const body = fc
  .array(line, { minLength: 1, maxLength: 12 })
  .map((lines) => lines.map((each) => each.replaceAll(/[\r\n]/g, "")).join("\r\n"))
  .filter((text) => text.length > 0);

describe("writeMime", () => {
  it("writes what nodemailer's own stream writes, but for where lines are folded", async () => {
    await fc.assert(
      fc.asyncProperty(body, fc.option(body, { nil: undefined }), async (text, html) => {
        const message = { subject: "Hej å", text, ...(html !== undefined && { html }) };
        const streamed = withoutBoundary(await compiled(message).build());
        const written = withoutBoundary(writeMime(compiled(message)));
        expect(unfolded(written)).toBe(unfolded(streamed));
      }),
      { numRuns: 400 },
    );
  });

  it("folds no line to more than 76 characters, and ends none with a blank", async () => {
    await fc.assert(
      fc.asyncProperty(body, async (text) => {
        const written = withoutBoundary(writeMime(compiled({ subject: "Hej", text: `å${text}` })));
        const [head = "", content = ""] = written.split(/\r\n\r\n([^]*)/);
        if (!head.includes("quoted-printable")) return;
        expect(content.split("\r\n").filter((each) => each.length > 76 || /[ \t]$/.test(each))).toEqual([]);
      }),
      { numRuns: 400 },
    );
  });
});
