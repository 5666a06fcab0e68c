import { memory, type HeedStorage } from "@heed/core";
import { describe, expect, it } from "vitest";
import { simulate } from "./simulate.ts";

/** A storage that tells of no work before the machine's clock says so. */
function silentFor(ms: number): HeedStorage {
  const storage = memory();
  const fromMs = performance.now() + ms;
  return { ...storage, due: async (ask) => (performance.now() < fromMs ? [] : storage.due(ask)) };
}

const live = async (storage: HeedStorage, patienceMs: number): Promise<readonly string[]> => {
  const { violations } = await simulate("1", storage, { days: 10, people: 1 }, { patienceMs });
  return violations.filter((each) => each.startsWith("LIVE"));
};

describe("a history over a storage that goes by a clock of its own", () => {
  it("waits for that clock too", { timeout: 60_000 }, async () => {
    expect(await live(silentFor(4_000), 30_000)).toEqual([]);
  });

  it("says in the end what never came", { timeout: 60_000 }, async () => {
    const violations = await live(silentFor(Number.POSITIVE_INFINITY), 1_000);
    expect(violations).toContainEqual(expect.stringContaining("is still"));
  });
});
