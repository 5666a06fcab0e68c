import { sameAsMemory } from "@heed/testing/private";
import { describe, expect, it } from "vitest";
import { temporaryFile } from "../test/temporary-file.ts";
import { sqlite } from "./sqlite.ts";

describe("sqlite", () => {
  it("answers every series of transactions as memory does", async () => {
    const storage = sqlite(temporaryFile());
    await sameAsMemory(storage, 150);
    await storage.close();
    expect(storage.durable).toBe(true);
  }, 60_000);
});
