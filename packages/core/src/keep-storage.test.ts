import { describe, expect, it } from "vitest";
import { createHeed } from "./heed.ts";
import { ephemeralKeys } from "./keys/keyring.ts";
import { memory } from "./memory/memory.ts";
import { definePolicy } from "./policy/define-policy.ts";
import type { HeedStorage } from "./contract/storage.ts";

const policy = definePolicy({
  controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
  purposes: { news: { basis: "consent" } },
  topics: {},
});

function heedOn(more: Partial<HeedStorage>) {
  return createHeed({ policy, storage: { ...memory(), ...more }, keys: ephemeralKeys() });
}

describe("heed.backup", () => {
  it("is the storage's own, with and without the keys", async () => {
    const copies: (readonly (string | undefined)[])[] = [];
    const heed = heedOn({ backup: async (...where) => void copies.push(where) });
    await heed.backup({ to: "a.db" });
    await heed.backup({ to: "b.db", keysTo: "b.keys.db" });
    expect(copies).toEqual([
      ["a.db", undefined],
      ["b.db", "b.keys.db"],
    ]);
  });

  it("says what to use where the storage makes none", async () => {
    await expect(heedOn({}).backup({ to: "a.db" })).rejects.toMatchObject({
      name: "UnsupportedOperationError",
      message: expect.stringContaining("pg_dump"),
    });
  });

  it.each([undefined, {}, { to: 7 }, { to: "a.db", keysTo: 7 }, { to: "a.db", keysTo: "a.db" }])(
    "refuses %j",
    async (ask) => {
      const heed = heedOn({ backup: async () => {} });
      await expect(heed.backup(ask as never)).rejects.toMatchObject({ name: "InvalidInputError" });
    },
  );
});

describe("heed.migrate", () => {
  it("answers what the storage added", async () => {
    const heed = heedOn({ migrate: async () => ({ added: ["steps.crashes"] }) });
    expect(await heed.migrate()).toEqual({ added: ["steps.crashes"] });
  });

  it("adds nothing where the storage brings itself forward", async () => {
    expect(await heedOn({}).migrate()).toEqual({ added: [] });
  });

  it("tells what is wrong with a storage that brings itself forward", async () => {
    const heed = heedOn({ transact: () => Promise.reject(new Error("file is not a database")) });
    await expect(heed.migrate()).rejects.toThrow("file is not a database");
  });
});
