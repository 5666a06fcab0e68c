import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeLine, parseLine, readJson, writeJson } from "./journal-line.ts";

const parts = fc.array(
  fc.string({ minLength: 1, unit: "grapheme" }).map((text) => JSON.stringify(text)),
  {
    maxLength: 3,
  },
);
const line = fc.tuple(fc.string({ unit: "grapheme" }), parts).map(([name, texts]) => ({
  name,
  texts,
  bytes: encodeLine({ name }, texts).subarray(0, -1),
}));

describe("a line of the journal", () => {
  it("is read as it was written", () => {
    fc.assert(
      fc.property(line, ({ name, texts, bytes }) => {
        const read = parseLine(Buffer.from(bytes), "here");
        expect(read?.head["name"]).toBe(name);
        expect(read?.parts.map((part) => part.text)).toEqual(texts);
        expect(bytes.includes(0x0a)).toBe(false);
      }),
    );
  });

  it("that was cut anywhere was never whole, and is no damage", () => {
    fc.assert(
      fc.property(line, fc.nat(), ({ bytes }, at) => {
        // Without its first tab, a line does not even say how long it is.
        const from = bytes.indexOf(0x09) + 1;
        const cut = bytes.subarray(0, from + (at % (bytes.length - from)));
        expect(parseLine(Buffer.from(cut), "here")).toBeUndefined();
      }),
    );
    expect(parseLine(Buffer.from("12"), "here")).toBeUndefined();
    expect(parseLine(Buffer.alloc(40), "here")).toBeUndefined();
  });

  it("of which a power loss left the length, and not all bytes, was never whole", () => {
    fc.assert(
      fc.property(line, fc.nat(), fc.nat(50), ({ bytes }, at, others) => {
        const left = at % bytes.length;
        // Its line feed went too, and what else was written with it.
        const torn = Buffer.concat([bytes.subarray(0, left), Buffer.alloc(bytes.length - left + 1 + others)]);
        expect(parseLine(torn, "here")).toBeUndefined();
      }),
    );
  });

  it("that was changed anywhere is refused", () => {
    fc.assert(
      fc.property(line, fc.nat(), fc.integer({ min: 1, max: 255 }), ({ bytes }, at, flip) => {
        const from = bytes.indexOf(0x09) + 1;
        const changed = Buffer.from(bytes);
        const place = from + (at % (changed.length - from));
        changed[place] = (changed[place] ?? 0) ^ flip;
        expect(() => parseLine(changed, "here")).toThrow(
          expect.objectContaining({ code: "journal-damaged" }),
        );
      }),
    );
  });

  it("forgets a blanked part, and keeps the others", () => {
    const bytes = Buffer.from(encodeLine({ name: "x" }, ['"one"', '"two"']).subarray(0, -1));
    const [one] = parseLine(bytes, "here")?.parts ?? [];
    bytes.fill(" ", one?.from, (one?.from ?? 0) + (one?.length ?? 0));
    expect(parseLine(bytes, "here")?.parts.map((part) => part.text)).toEqual([undefined, '"two"']);
  });
});

describe("its JSON", () => {
  it("brings bytes back as bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const text = writeJson({ plain: bytes, buffer: Buffer.from(bytes), text: "x" });
        expect(readJson(text)).toEqual({ plain: bytes, buffer: bytes, text: "x" });
      }),
    );
  });
});
