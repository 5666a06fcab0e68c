import { describe, expect, it } from "vitest";
import { InvalidInputError } from "./errors/invalid-input-error.ts";
import { alone, onlyKeys } from "./only-keys.ts";

const known = { channel: true, onProgress: true, at: true };

function refusal(given: object): InvalidInputError {
  try {
    onlyKeys(given, "some.call", known);
  } catch (error) {
    if (error instanceof InvalidInputError) return error;
  }
  throw new Error("It was taken.");
}

describe("keys that a call does not know", () => {
  it("are refused with what it takes, and never with what was passed", () => {
    const error = refusal({ channel: "web", "canary@example.org": "canary" });
    expect(error.code).toBe("unknown-option");
    expect(error.message).toMatch(/^some\.call .* It takes: channel, onProgress, at\.$/);
    expect(JSON.stringify([error.message, error.issues, String(error.cause)])).not.toContain("canary");
  });

  it.each([
    ["chanel", "channel"],
    ["channels", "channel"],
    ["chanenl", "channel"],
    ["chammel", undefined],
    ["xhannel", "channel"],
    ["onprogress", "onProgress"],
    ["within", undefined],
    ["toString", undefined],
    ["__proto__x", undefined],
  ])("are held against those that it knows: %s", (typed, meant) => {
    const { message } = refusal({ [typed]: 1 });
    expect(/Did you mean `(\w+)`\?/.exec(message)?.[1]).toBe(meant);
    expect(message).not.toContain(`${typed} `);
  });

  it("are nobody's where they are undefined, and none where all are known", () => {
    const given = { channel: undefined, chanel: undefined, at: 1 };
    expect(onlyKeys<typeof known>(given as never, "some.call", known)).toBe(given);
  });

  it("say that nothing is joined where one is `within`", () => {
    expect(refusal({ within: {} }).message).toMatch(/does not join a transaction/);
    expect(() => alone({ within: {} }, "some.call")).toThrow(/does not join a transaction/);
    for (const given of [{ within: undefined }, {}, undefined, null, "within"])
      expect(alone(given, "some.call")).toBe(given);
  });
});
