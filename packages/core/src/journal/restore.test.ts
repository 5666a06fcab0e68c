import { describe, expect, it } from "vitest";
import { createHeed } from "../heed.ts";
import { ephemeralKeys } from "../keys/keyring.ts";
import { memory } from "../memory/memory.ts";
import { definePolicy } from "../policy/define-policy.ts";
import { fileJournal } from "./file-journal.ts";

const policy = definePolicy({
  controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
  purposes: { news: { basis: "consent" } },
  topics: { news: { class: "marketing", purpose: "news" } },
});

describe("without a journal", () => {
  it("there is nothing to restore from, and that is said", async () => {
    const heed = createHeed({ policy, storage: memory(), keys: ephemeralKeys() });
    await expect(heed.restore()).rejects.toMatchObject({ code: "no-journal" });
    await expect(heed.journal.state()).rejects.toMatchObject({ code: "no-journal" });
    await expect(heed.journal.compact({ before: "2026-01-01T00:00:00Z" })).rejects.toMatchObject({
      code: "no-journal",
    });
  });

  it("a path that is none is a programming mistake", () => {
    expect(() => fileJournal("")).toThrow(TypeError);
  });
});
