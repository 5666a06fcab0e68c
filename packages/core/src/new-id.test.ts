import { describe, expect, it } from "vitest";
import { idMaker } from "./new-id.ts";

describe("ids", () => {
  const newId = idMaker();

  it("makes ids that differ, in the form of a UUID", () => {
    const ids = Array.from({ length: 20_000 }, () => newId());
    expect(new Set(ids).size).toBe(ids.length);
    expect(
      ids.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id)),
    ).toBe(true);
  });

  it("lets those made in a row begin alike, and later ones otherwise", () => {
    const beginnings = Array.from({ length: 5_120 }, () => newId().slice(0, 6));
    expect(new Set(beginnings).size).toBeGreaterThanOrEqual(10);
    expect(new Set(beginnings).size).toBeLessThanOrEqual(11);
  });
});
