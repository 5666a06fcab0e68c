import { describe, expect, it } from "vitest";
import { progressOn } from "./progress.ts";

function told(isTTY: boolean, instants: readonly number[]) {
  let said = "";
  let nowMs = 0;
  const progress = progressOn({ stderr: { write: (text) => void (said += text), isTTY } }, () => nowMs);
  for (nowMs of instants) progress.tell(`at ${nowMs}`);
  progress.end();
  return said;
}

describe("progress", () => {
  it("in a log is a line in ten seconds, and none of what is over before", () => {
    expect(told(false, [0, 5_000, 9_999])).toBe("");
    expect(told(false, [0, 5_000, 9_999, 10_000, 12_000, 20_000])).toBe("at 10000\nat 20000\n");
  });

  it("in front of a person is one line, which makes room for the answer", () => {
    expect(told(true, [0, 50, 100])).toBe("\rat 0\rat 100\r      \r");
  });

  it("says nothing where nothing was done", () => {
    expect([told(true, []), told(false, [])]).toEqual(["", ""]);
  });
});
