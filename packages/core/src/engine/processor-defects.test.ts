import { describe, expect, it } from "vitest";
import { createHeed, definePolicy, ephemeralKeys, memory, ownData } from "../index.ts";

const right = ownData({ by: "email", erase: async () => {}, holds: async () => false });
const { erase } = right.operations;
const policy = definePolicy({
  controller: { name: "A", country: "SE", contact: "a@b.se" },
  recipients: { app: { role: "own", country: "SE" } },
  purposes: {},
  topics: {},
});

function withProcessor(app: unknown) {
  return () =>
    createHeed({
      policy,
      storage: memory(),
      keys: ephemeralKeys(),
      processors: { app: app as typeof right },
    });
}

describe("a processor that is not one", () => {
  it.each<[string, unknown, RegExp]>([
    [
      "has no verify",
      { ...right, operations: { erase: { ...erase, verify: undefined } } },
      /erase\.verify: must be a function that reads back/,
    ],
    [
      "gives no reason",
      { ...right, operations: { erase: { ...erase, verify: { acknowledgedOnly: "" } } } },
      /erase\.verify/,
    ],
    [
      "has no run",
      { ...right, operations: { erase: { ...erase, run: undefined } } },
      /erase\.run: must be a function/,
    ],
    [
      "has no settlingMs",
      { ...right, operations: { erase: { ...erase, settlingMs: undefined } } },
      /erase\.settlingMs/,
    ],
    [
      "takes batches of none",
      { ...right, operations: { erase: { ...erase, batchSize: 0 } } },
      /erase\.batchSize: must be at least 1/,
    ],
    [
      "ends what somebody paid for, and nothing asks before",
      { ...right, operations: { erase: { ...erase, effects: ["irreversible", "ends-paid-service"] } } },
      /erase\.guard: must say whether a paid service runs/,
    ],
    ["is of another version", { ...right, specificationVersion: "v0" }, /specificationVersion: must be "v1"/],
    ["cannot prove its account", { ...right, check: undefined }, /app\.check: must be a function/],
    ["is nothing", undefined, /processors\.app/],
  ])("is refused when it %s", (_what, processor, message) => {
    expect(withProcessor(processor)).toThrow(message);
  });

  it("is none of these when it is right", () => {
    expect(withProcessor(right)).not.toThrow();
    const guarded = { ...erase, effects: ["ends-paid-service"], guard: async () => new Map() };
    expect(withProcessor({ ...right, operations: { erase: guarded } })).not.toThrow();
  });
});
