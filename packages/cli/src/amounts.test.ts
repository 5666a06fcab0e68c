import { describe, expect, it } from "vitest";
import { counted, duration, size } from "./amounts.ts";

describe("amounts", () => {
  it.each([
    [-5, "0.0 s"],
    [400, "0.4 s"],
    [1_999, "2.0 s"],
    [2_000, "2 s"],
    [119_999, "119 s"],
    [120_000, "2 min"],
    [36 * 3_600_000, "36 h"],
    [49 * 3_600_000, "2 d"],
  ])("%d ms last %s", (ms, text) => expect(duration(ms)).toBe(text));

  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1_000, "1.0 kB"],
    [249_900, "249.9 kB"],
    [3_200_000_000, "3.2 GB"],
  ])("%d bytes are %s", (bytes, text) => expect(size(bytes)).toBe(text));

  it("are counted in words", () => {
    expect([counted(0, "step"), counted(1, "step"), counted(2, "request has", "requests have")]).toEqual([
      "0 steps",
      "1 step",
      "2 requests have",
    ]);
  });
});
