import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TamperedEvidenceError } from "../errors/tampered-evidence-error.ts";
import { newDataKey, open, seal } from "./sealed.ts";

const key = newDataKey();
const context = "events/e1";

describe("seal", () => {
  it("opens to what was sealed, for any text and any context", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (text, where) => {
        expect(open(key, seal(key, text, where), where)).toBe(text);
      }),
    );
  });

  it("seals the same text to something else every time", () => {
    const sealed = Array.from({ length: 50 }, () => Buffer.from(seal(key, "same", context)).toString("hex"));
    expect(new Set(sealed).size).toBe(50);
  });

  it("shows nothing of the text", () => {
    const text = "canary.anna@example.org";
    expect(Buffer.from(seal(key, text, context)).toString("latin1")).not.toContain("canary");
  });
});

describe("open", () => {
  it("refuses a value with any one byte changed", () => {
    const sealed = seal(key, "anna@example.org", context);
    for (let index = 0; index < sealed.length; index += 1) {
      for (const flip of [0x01, 0x80, 0xff]) {
        const altered = Uint8Array.from(sealed);
        altered[index] = (altered[index] ?? 0) ^ flip;
        expect(() => open(key, altered, context)).toThrow(TamperedEvidenceError);
      }
    }
  });

  it("refuses a value that was cut or prolonged", () => {
    const sealed = seal(key, "anna@example.org", context);
    for (let length = 0; length < sealed.length; length += 1)
      expect(() => open(key, sealed.slice(0, length), context)).toThrow(TamperedEvidenceError);
    expect(() => open(key, Uint8Array.from([...sealed, 0]), context)).toThrow(TamperedEvidenceError);
  });

  it("refuses a value that was moved to another row", () => {
    const sealed = seal(key, "anna@example.org", "events/e1");
    for (const elsewhere of ["events/e2", "identifiers/e1", "events/e1 ", ""])
      expect(() => open(key, sealed, elsewhere)).toThrow(TamperedEvidenceError);
  });

  it("refuses another key", () => {
    const sealed = seal(key, "anna@example.org", context);
    expect(() => open(newDataKey(), sealed, context)).toThrow(TamperedEvidenceError);
  });

  it("reads from a view into a larger buffer", () => {
    const sealed = seal(key, "text", context);
    const larger = new Uint8Array(sealed.length + 20);
    larger.set(sealed, 7);
    expect(open(key, larger.subarray(7, 7 + sealed.length), context)).toBe("text");
  });
});
