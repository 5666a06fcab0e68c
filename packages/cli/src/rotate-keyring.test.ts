import { keyring, newKey } from "@heed/core";
import { describe, expect, it } from "vitest";
import { activateKey, stageKey } from "./rotate-keyring.ts";

function statesOf(keys: string): readonly (string | undefined)[] {
  return keys.split(",").map((entry) => entry.split(":")[1]);
}

function rotated(keys: string): string {
  return activateKey(stageKey(keys));
}

describe("stageKey", () => {
  it("adds a key that is looked up, and goes on writing under the one before", () => {
    const first = newKey();
    const staged = stageKey(first);
    expect(statesOf(staged)).toEqual(["active", "staged"]);
    expect(keyring(staged).digest("index", "a")).toBe(keyring(first).digest("index", "a"));
  });

  it("refuses while another staged key waits", () => {
    expect(() => stageKey(stageKey(newKey()))).toThrow("--activate");
  });
});

describe("activateKey", () => {
  it("writes under the staged key and still finds what was written before", () => {
    const first = newKey();
    const active = rotated(first);
    const before = keyring(first).digest("suppression", "a");
    expect(statesOf(active)).toEqual(["lookup", "active"]);
    expect(keyring(active).digest("suppression", "a")).not.toBe(before);
    expect(keyring(active).digests("suppression", "a")).toContain(before);
  });

  it("writes what a process with the key still staged can find", () => {
    const staged = stageKey(newKey());
    const written = keyring(activateKey(staged)).digest("index", "a");
    expect(keyring(staged).digests("index", "a")).toContain(written);
  });

  it("keeps the keys of earlier rotations", () => {
    expect(statesOf(rotated(rotated(newKey())))).toEqual(["lookup", "lookup", "active"]);
  });

  it("leaves a retired key retired", () => {
    const keys = `${newKey("retired")},${stageKey(newKey())}`;
    expect(statesOf(activateKey(keys))).toEqual(["retired", "lookup", "active"]);
  });

  it("reads what is separated by spaces and newlines, and writes commas", () => {
    const keys = stageKey(newKey()).replace(",", " \n");
    expect(statesOf(activateKey(`${keys}\n`))).toEqual(["lookup", "active"]);
  });

  it("refuses where nothing is staged, and where two keys are", () => {
    expect(() => activateKey(newKey())).toThrow("--rotate");
    expect(() => activateKey([newKey(), newKey("staged"), newKey("staged")].join(","))).toThrow("one staged");
  });
});

describe("both", () => {
  it.each([stageKey, activateKey])("refuse a keyring that is missing or cannot be read", (rotate) => {
    expect(() => rotate(undefined)).toThrow("HEED_KEYS");
    expect(() => rotate("")).toThrow("HEED_KEYS");
    expect(() => rotate("ab:active:short")).toThrow("<id>:<state>:<secret>");
    expect(() => rotate(newKey("lookup"))).toThrow("one active key");
  });
});
