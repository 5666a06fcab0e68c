import { describe, expect, it } from "vitest";
import { MemoryTable } from "./memory-table.ts";

const definition = {
  columns: { id: "text", owner: "text", at: "text?" },
  key: ["id"],
  indexes: [["owner", "at"]],
} as const;

function filled(): MemoryTable {
  const table = new MemoryTable("things", definition);
  for (let n = 0; n < 100; n += 1) {
    table.add({ id: `t${n}`, owner: `o${n % 10}`, at: n % 20 < 10 ? null : `day${n}` });
  }
  return table;
}

const wanted = (equals: Record<string, string[]>) =>
  new Map(Object.entries(equals).map(([column, values]) => [column, new Set(values)]));

describe("candidates", () => {
  it("looks at one row for a key", () => {
    expect(filled().candidates(wanted({ id: ["t7"] }))).toHaveLength(1);
  });

  it("looks at one row for each key of a list", () => {
    expect(filled().candidates(wanted({ id: ["t7", "t8", "nobody"] }))).toHaveLength(2);
  });

  it("looks only at the rows that share the beginning of an index", () => {
    expect(filled().candidates(wanted({ owner: ["o3"] }))).toHaveLength(10);
  });

  it("takes the index that covers most of what is wanted", () => {
    expect(filled().candidates(wanted({ owner: ["o3"], at: ["day13"] }))).toHaveLength(1);
  });

  it("looks at every row when no index begins with what is wanted", () => {
    expect(filled().candidates(wanted({ at: ["day13"] }))).toHaveLength(100);
  });

  it("forgets a row that was removed", () => {
    const table = filled();
    const [row] = table.candidates(wanted({ id: ["t7"] }));
    if (row !== undefined) table.remove(row);
    expect(table.candidates(wanted({ id: ["t7"] }))).toHaveLength(0);
    expect(table.candidates(wanted({ owner: ["o7"] }))).toHaveLength(9);
  });
});
